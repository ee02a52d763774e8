// Before Gradio's bundle: it runs as an app of its own, in no frame.
window.__gradio_mode__ = "app";
