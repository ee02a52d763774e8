"""The app's own addresses, a module a group; what each asks and answers stands in docs/app_contract.md."""

from speech.ui.routes import consent, downloads, jobs, languages, learn, media, review, session, speak, standalone, texts, uploads

_GROUPS = (session, review, media, uploads, texts, jobs, consent, languages, speak, learn, downloads, standalone)
ROUTERS = tuple(module.router for module in _GROUPS)
