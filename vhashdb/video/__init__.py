"""From a file to sampled frames and sound: the only package that decodes, and the only one that imports `av`.

Decoding happens in a child process (`vhashdb.video.child`, which uses `vhashdb.video.decode` for videos, `vhashdb.video.sound` for
sound and `vhashdb.video.pictures` for still pictures), because a video is untrusted input to a large C library. The parent's side
is `Decoder`: it opens the file, hands over the descriptor and a `Sampling`, and gets back `FrameBatch` arrays of fixed-size
records, a `SoundBlock` now and then if sound is wanted, and a `VideoInfo`. Nothing else crosses the process boundary. A process
that decodes has given up everything else before (`vhashdb.video.confinement`), and ends after `vhashdb.Limits.files_per_process`
files, or one that was not clean.
"""

from vhashdb.video.confinement import InForce
from vhashdb.video.decoder import Decoder, VideoStream
from vhashdb.video.frames import FRAME_DTYPE, THUMBNAIL_SIDE, FrameBatch, Mode, Sampling, SoundBlock, VideoInfo, frames_of_image
from vhashdb.video.pool import DecoderPool

__all__ = [
    "FRAME_DTYPE",
    "THUMBNAIL_SIDE",
    "Decoder",
    "DecoderPool",
    "FrameBatch",
    "InForce",
    "Mode",
    "Sampling",
    "SoundBlock",
    "VideoInfo",
    "VideoStream",
    "frames_of_image",
]
