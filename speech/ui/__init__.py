"""The app in the browser: gate, sign-in, routes, pages. Views only: what is done stands in `review`, `jobs`, `transcribe`, `collections`.

`server` builds it and runs it; `gate` stands before everything; `sessions` and `users` say who asks; `served` holds what a server
serves; `routes` has a module a group of addresses; `pages` the tabs; `worker` the processes that do what takes long. Nothing here is
imported by `import speech`, and no request leaves the machine: Gradio, which reads these settings when it is imported, would else
look for a newer version of itself and report that it is used.
"""

import os

for _name in ("GRADIO_ANALYTICS_ENABLED", "GRADIO_SHARE", "GRADIO_MCP_SERVER"):
    os.environ[_name] = "False"
for _name in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DISABLE_TELEMETRY"):
    os.environ[_name] = "1"
