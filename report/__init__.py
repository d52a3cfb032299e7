"""The report: its numbers (`python -m report.results`), and the PDF from them (`python -m report.build`)."""
