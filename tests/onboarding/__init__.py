"""Files in odd layouts, what is made of them, and the workbook in which an analyst confirms."""
