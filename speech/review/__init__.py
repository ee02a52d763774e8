"""The review of drafts: a folder as a workspace, edits as rows, acts on segments, orders, exchange with other programs.

`workspace` opens a collection's folder; `edits` records what people do and folds it into the current segments; `acts` says
what each act does to segments, `replacing` what find and replace finds; `orders` what to look at next; `progress` counts;
`exchange` gives transcripts away and takes corrected ones back. No HTTP here, and no page.
"""
