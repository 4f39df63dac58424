"""Further edits of other videos, to measure on other footage and edits than the rest of the benchmark.

    python -m bench.edits SOURCES OUT [--every 4] [--edits NAME,…] [--jobs 2]

Takes every n-th video of a folder, ``distractors`` by default, and writes ``OUT/<edit>/<source>.mp4`` and ``OUT/truth.csv``
(query, source, edit, second), where *second* is another source that is truly in the picture. Needs the ``ffmpeg`` program.
``python -m bench.accuracy --sets other --other OUT`` asks about them.
"""

from __future__ import annotations

from typing import Final

from bench.common import duration_s
from bench.copies import Job, make_copies
from bench.truth import MAX_S

_EVEN: Final = "scale=trunc(iw/2)*2:trunc(ih/2)*2"
_X264: Final = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-an")

FILTERS: Final = {
    # geometry
    "tilt3": "rotate=3*PI/180:fillcolor=black",
    "tilt-8": "rotate=-8*PI/180:fillcolor=black",
    "tilt6zoom": "rotate=6*PI/180,crop=iw*0.8:ih*0.8",
    "perspective": "perspective=x0=W*0.06:y0=H*0.04:x1=W*0.97:y1=0:x2=0:y2=H*0.97:x3=W:y3=H*0.95:sense=destination",
    "cropcorner": "crop=iw*0.84:ih*0.84:iw*0.02:ih*0.14",
    "crop35": "crop=iw*0.65:ih*0.65",
    "square": "crop='min(iw,ih)':'min(iw,ih)'",
    "upsidedown": "hflip,vflip",
    "left90crop": "transpose=2,crop=iw*0.9:ih*0.9",
    "zoomin": "scale=2*iw:2*ih,zoompan=z='1+0.004*in':d=1:x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':s=480x270:fps=25",
    "shake": "crop=iw*0.92:ih*0.92:iw*0.04+iw*0.03*sin(t*3):ih*0.04+ih*0.03*cos(t*2)",
    # things drawn over it
    "watermark": "drawbox=x=iw*0.05:y=ih*0.06:w=iw*0.2:h=ih*0.1:color=white@0.6:t=fill",
    "sticker": "drawbox=x=iw*0.55:y=ih*0.55:w=iw*0.22:h=ih*0.25:color=yellow:t=fill",
    "subtitles": "drawbox=x=iw*0.15:y=ih*0.84:w=iw*0.7:h=ih*0.05:color=white:t=fill:enable='lt(mod(t,4),3)',"
    "drawbox=x=iw*0.25:y=ih*0.91:w=iw*0.5:h=ih*0.05:color=white:t=fill:enable='lt(mod(t,4),2)'",
    "twologos": "drawbox=x=iw*0.04:y=ih*0.8:w=iw*0.25:h=ih*0.14:color=blue:t=fill,"
    "drawbox=x=iw*0.72:y=ih*0.06:w=iw*0.22:h=ih*0.14:color=green:t=fill",
    "lowerthird": "drawbox=x=0:y=ih*0.76:w=iw:h=ih*0.16:color=navy@0.9:t=fill,"
    "drawbox=x=iw*0.05:y=ih*0.8:w=iw*0.5:h=ih*0.05:color=white:t=fill",
    # things drawn around it
    "border": "pad=iw*1.3:ih*1.3:iw*0.15:ih*0.15:teal",
    "mirrorbars": "hflip,pad=iw:ih*1.5:0:ih*0.25:black",
    "banner": "pad=iw:ih*1.3:0:0:white,drawbox=x=iw*0.1:y=ih*0.83:w=iw*0.6:h=ih*0.05:color=red:t=fill,"
    "drawbox=x=iw*0.1:y=ih*0.91:w=iw*0.8:h=ih*0.03:color=black:t=fill",
    "blurfill": "split[a][b];[a]scale=iw*1.8:ih,boxblur=20:2,setsar=1[c];[c][b]overlay=(W-w)/2:0",
    "memetext": "pad=iw:ih*1.35:0:ih*0.35:white,drawbox=x=iw*0.05:y=ih*0.05:w=iw*0.9:h=ih*0.06:color=black:t=fill,"
    "drawbox=x=iw*0.05:y=ih*0.15:w=iw*0.7:h=ih*0.06:color=black:t=fill",
    # light, colour, quality
    "flicker": "eq=brightness='0.12*sin(t*25)':eval=frame",
    "dark": "eq=brightness=-0.2:gamma=0.7",
    "hue": "hue=h=120:s=2",
    "vignette": "vignette=PI/3.5",
    "sharpnoise": "unsharp=7:7:2,noise=alls=35:allf=t",
    "tiny": "scale=-2:90",
    # time
    "double": "setpts=PTS/2",
    "half": "setpts=PTS/0.5",
    "speed150": "setpts=PTS/1.5",
    "fps5": "fps=5",
    "fps60": "fps=60",
    # several at once
    "combo": "hflip,crop=iw*0.92:ih*0.92,pad=iw:ih*1.3:0:ih*0.15:black,eq=contrast=1.2,setpts=PTS/1.1",
    "combologo": "crop=iw*0.94:ih*0.94,drawbox=x=iw*0.7:y=ih*0.05:w=iw*0.25:h=ih*0.16:color=red@0.9:t=fill,eq=gamma=1.3",
}
"""One-input edits: name to ffmpeg video filter."""

PAIRED: Final = {
    "sidebyside": "[0:v]scale=320:360,setsar=1,fps=25[a];[1:v]scale=320:360,setsar=1,fps=25[b];[a][b]hstack=shortest=1",
    "stacked": "[0:v]scale=480:270,setsar=1,fps=25[a];[1:v]scale=480:270,setsar=1,fps=25[b];[b][a]vstack=shortest=1",
    "pip45": "[1:v]scale=640:360,setsar=1,fps=25[b];[0:v]scale=288:162,setsar=1,fps=25[a];[b][a]overlay=W*0.5:H*0.48:shortest=1",
    "reaction": "[0:v]scale=640:360,setsar=1,fps=25[b];[1:v]scale=192:108,setsar=1,fps=25[a];[b][a]overlay=W*0.68:H*0.66:shortest=1",
}
"""Edits with a second video: name to filter graph; the source is input 0."""

CLIPS: Final = {"clip2s": 2.0, "clip3s": 3.0, "buried3s": 3.0}
"""Short pieces: seconds. ``buried3s`` lies within two other videos."""
EDITS: Final = (*FILTERS, *PAIRED, *CLIPS)


def main() -> None:
    make_copies(__doc__, EDITS, arguments, lambda edit: edit in PAIRED or edit == "buried3s")


def arguments(job: Job) -> list[str]:
    """What ffmpeg is told, without the target."""
    limit = ["-t", f"{MAX_S}"]
    if job.edit in PAIRED:
        inputs = [*limit, "-i", str(job.source), "-stream_loop", "-1", *limit, "-i", str(job.second)]
        return [*inputs, "-filter_complex", PAIRED[job.edit], *_X264, "-crf", "28"]
    if job.edit in CLIPS:
        length, start = CLIPS[job.edit], piece_start(min(duration_s(job.source), MAX_S), CLIPS[job.edit])
        piece = ["-ss", f"{start:.2f}", "-t", f"{length}", "-i", str(job.source)]
        if job.edit != "buried3s":
            return [*piece, "-vf", _EVEN, *_X264, "-crf", "30"]
        shape = "scale=480:270,setsar=1,fps=25"
        graph = f"[0:v]{shape}[a];[1:v]{shape},split[b][c];[c]reverse[d];[b][a][d]concat=n=3:v=1"
        return [*piece, "-t", "15", "-i", str(job.second), "-filter_complex", graph, *_X264, "-crf", "28"]
    return [*limit, "-i", str(job.source), "-vf", f"{_EVEN},{FILTERS[job.edit]},{_EVEN}", *_X264, "-crf", "28"]


def piece_start(duration: float, length: float) -> float:
    """Where a piece begins: a third into the video."""
    return max(0.0, min(duration / 3, duration - length))


if __name__ == "__main__":
    main()
