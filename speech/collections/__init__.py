"""Collections of recordings: manifests and cards, the consent gate, and the ledger of what was done.

consent     may this be done with that recording? every verb asks first
ledger      what was done, hash-chained, append-only; follows every result and every refusal
cards       what a collection and its people have said, read from TOML and checked
manifest    which clips a collection holds

Nothing is imported here: the gate must stay cheap.
"""
