"""DfE's SEN2 return in each form that councils have it in, read into the nine tables of its shape."""
