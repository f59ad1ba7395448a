"""Exports of the default layout as other councils have them: plain functions from CSV files to other CSV files."""
