"""Sound from any file that holds some: what it claims, what it holds, and its samples at 16 kHz.

`probe` tells what a file holds; `load` reads it once, to the end, as 16 kHz in one channel. Files are known
by content, lengths by decoding, and what is damaged is named and keeps its place in time. Speech is not
looked for here, nothing is written but a hidden temporary file, and originals are only read.
"""

from speech.audio.folders import FolderContents, recordings_in
from speech.audio.reading import load, probe
from speech.audio.records import RATE, Probe, ReadSettings
from speech.audio.resampling import resampled
from speech.audio.signal import Signal

__all__ = ["RATE", "FolderContents", "Probe", "ReadSettings", "Signal", "load", "probe", "recordings_in", "resampled"]
