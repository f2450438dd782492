"""Files to anonymize: which, under what names, and which were done before."""
