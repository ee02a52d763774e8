"""Language models of a language's own symbols, and of its words: trained, written, read, and asked by the beam.

`ngram` is the model, `train` makes one of text, `files` holds our own file and ARPA, `words` the list of words and what hot words
and whole words are worth, `beam` the search over emissions.
"""
