"""Who speaks when: `diarise` (the verb) and its engines."""
