"""A council's own files: sources that it declares, and SELECTs that make a feed's rows of them."""
