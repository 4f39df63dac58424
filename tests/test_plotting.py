"""The picture of a comparison: what is drawn is where the stretches are, and the same each time."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

import vhashdb
from tests.footage import fingerprint_of, flipped, listening, random_hashes
from vhashdb import plotting
from vhashdb.matching import explain
from vhashdb.matching.reasons import Fate

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def explained(query_prints, reference_prints):
    """An explained pair of sample films, by name."""

    def pair(query, reference):
        return explain(query_prints[query], reference_prints[reference])

    return pair


class Drawing:
    """An SVG, read back in seconds of both videos."""

    def __init__(self, path, explanation):
        self.root = ElementTree.parse(path).getroot()
        self.text = path.read_text()
        x, y = zip(*self._corners("plot-area"), strict=True)
        self._left, self._right, self._top, self._bottom = min(x), max(x), min(y), max(y)
        self._width_s, self._height_s = explanation.query.duration_s, explanation.reference.duration_s

    def ids(self, prefix):
        return sorted(g.get("id") for g in self.root.iter(f"{SVG}g") if re.fullmatch(rf"{prefix}\d+", g.get("id", "")))

    def ends(self, gid):
        """First and last point of a line, each as (query seconds, reference seconds)."""
        points = self._corners(gid)
        return self._seconds(points[0]), self._seconds(points[-1])

    def span(self, gid, axis):
        """The seconds that a strip covers along an axis."""
        values = [self._seconds(point)[axis] for point in self._corners(gid)]
        return min(values), max(values)

    def squares(self):
        (group,) = (g for g in self.root.iter(f"{SVG}g") if g.get("id") == "alike")
        return [self._seconds((float(use.get("x")), float(use.get("y")))) for use in group.iter(f"{SVG}use")]

    def _corners(self, gid):
        (group,) = (g for g in self.root.iter(f"{SVG}g") if g.get("id") == gid)
        path = next(group.iter(f"{SVG}path")).get("d")
        return [(float(x), float(y)) for x, y in re.findall(r"[ML] (\S+) (\S+)", path)]

    def _seconds(self, point):
        x, y = point
        across, up = (x - self._left) / (self._right - self._left), (self._bottom - y) / (self._bottom - self._top)
        return across * self._width_s, up * self._height_s


PAIRS = [
    ("edited/harbour__speed125.mp4", "harbour"),
    ("edited/harbour__insert.mp4", "harbour"),
    ("edited/valley__mirror.mp4", "valley"),
    ("edited/valley__clip.mp4", "valley"),
]


@pytest.mark.parametrize(("query", "reference"), PAIRS)
def test_each_stretch_is_a_line_where_it_is(query, reference, explained, tmp_path):
    explanation = explained(query, reference)
    plotting.plot(explanation, tmp_path / "why.svg")
    drawing = Drawing(tmp_path / "why.svg", explanation)
    aside = [segment for segment, fate in explanation.found if fate is not Fate.CHOSEN]
    assert len(drawing.ids("segment-")) == len(explanation.segments) > 0
    assert len(drawing.ids("set-aside-")) == len(aside) > 0
    named = {f"segment-{n}": s for n, s in enumerate(explanation.segments)} | {f"set-aside-{n}": s for n, s in enumerate(aside)}
    for gid, s in named.items():
        wanted = (s.query_start_s, s.reference_start_s), (s.query_end_s, s.reference_end_s)
        assert np.allclose(drawing.ends(gid), wanted, atol=0.01), gid


def test_both_frames_stand_beside_where_a_part_was_compared(explained, tmp_path):
    explanation = explained("edited/night_city__letterbox.mp4", "night_city")
    plotting.plot(explanation, tmp_path / "p.svg")
    drawing = Drawing(tmp_path / "p.svg", explanation)
    here, there = (np.array(drawing._corners(f"{side}-outline-0"))[:4] for side in ("query", "known"))
    width, height = np.ptp(here, axis=0)
    assert height / width == pytest.approx(180 / 320, abs=0.03)  # of the picture within the bars
    assert np.ptp(there, axis=0)[1] / np.ptp(there, axis=0)[0] == pytest.approx(180 / 320, abs=0.01)
    plain = explained("edited/valley__clip.mp4", "valley")
    plotting.plot(plain, tmp_path / "plain.svg")
    assert Drawing(tmp_path / "plain.svg", plain).ids("query-outline-") == []


def test_the_squares_are_the_alike_pairs(tmp_path):
    known = random_hashes(3, 60)
    explanation = explain(fingerprint_of(flipped(known[20:44], 10)), fingerprint_of(known))
    plotting.plot(explanation, tmp_path / "why.svg")
    squares = np.array(Drawing(tmp_path / "why.svg", explanation).squares())
    assert len(squares) == 24
    assert np.allclose(squares[:, 1] - squares[:, 0], 5.0, atol=0.01)


def test_unusable_stretches_are_hatched_along_the_axes(tmp_path):
    hashes = random_hashes(3, 40)
    flat = fingerprint_of(hashes, quality=0)
    quality = np.full(40, 100, np.uint8)
    quality[8:20] = 0
    query = vhashdb.Fingerprint(flat.algorithm, flat.start_s, flat.end_s, flat.hash, quality, flat.view, flat.duration_s)
    explanation = explain(query, fingerprint_of(hashes))
    plotting.plot(explanation, tmp_path / "why.svg")
    drawing = Drawing(tmp_path / "why.svg", explanation)
    assert drawing.ids("query-unusable-") == ["query-unusable-0"]
    assert np.allclose(drawing.span("query-unusable-0", 0), (2.0, 5.0), atol=0.01)
    assert drawing.ids("known-unusable-") == []
    plotting.plot(explain(query, flat), tmp_path / "flat.svg")
    assert np.allclose(Drawing(tmp_path / "flat.svg", explanation).span("known-unusable-0", 1), (0.0, 10.0), atol=0.01)


def test_the_png_opens_and_has_the_size_that_is_stated(explained, tmp_path):
    plotting.plot(explained(*PAIRS[0]), tmp_path / "why.PNG")
    with Image.open(tmp_path / "why.PNG") as picture:
        picture.load()
        assert picture.format == "PNG"
        assert picture.size == (plotting.WIDTH_PX, plotting.HEIGHT_PX)
        assert len(np.unique(np.asarray(picture.convert("L")))) > 20


@pytest.mark.parametrize("kind", plotting.FORMATS)
def test_two_runs_give_the_same_bytes_whatever_the_settings(kind, explained, tmp_path):
    import matplotlib

    explanation = explained(*PAIRS[1])
    plotting.plot(explanation, tmp_path / f"a.{kind}")
    with matplotlib.rc_context({"font.size": 30.0, "lines.linewidth": 9.0, "axes.facecolor": "black", "svg.hashsalt": "x"}):
        plotting.plot(explanation, tmp_path / f"b.{kind}")
        assert matplotlib.rcParams["font.size"] == 30.0
    assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a.{kind}", f"b.{kind}"]


@pytest.mark.parametrize("name", ["$x^{$", "片.mp4", "a\x1b[2J\n--><b>&.mp4", "\udcff", "n" * 500, "", "%s{}\\"])
def test_names_from_strangers(name, tmp_path):
    same = fingerprint_of(random_hashes(3, 20))
    explanation = explain(same, same)
    plotting.plot(explanation, tmp_path / "why.svg", query_name=name, reference_name=name)
    plotting.plot(explanation, tmp_path / "why.png", query_name=name, reference_name=name)
    assert Drawing(tmp_path / "why.svg", explanation).ids("segment-") == ["segment-0"]


@pytest.mark.parametrize("counts", [(0, 0), (0, 5), (1, 0), (1, 1), (3, 400)])
def test_empty_and_tiny_sides(counts, tmp_path):
    query, reference = (fingerprint_of(random_hashes(3, count)) for count in counts)
    plotting.plot(explain(query, reference), tmp_path / "why.png")
    assert (tmp_path / "why.png").stat().st_size > 1000


def test_a_plot_stays_small_however_much_is_alike(tmp_path):
    still = fingerprint_of(np.repeat(random_hashes(5, 1), 1000, axis=0))
    plotting.plot(explain(still, still), tmp_path / "why.svg")
    assert (tmp_path / "why.svg").stat().st_size < 3_000_000


# -- where it cannot be drawn ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("why.jpg", "a plot is written as .png or .svg"),
        ("why", "a plot is written as .png or .svg"),
        ("folder.png", "is a folder"),
        ("no/such/folder.svg", "there is no folder"),
    ],
)
def test_targets_that_cannot_be(name, message, tmp_path):
    (tmp_path / "folder.png").mkdir()
    same = fingerprint_of(random_hashes(3, 20))
    with pytest.raises(vhashdb.UsageError, match=message) as caught:
        plotting.plot(explain(same, same), tmp_path / name)
    assert caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_without_matplotlib_the_hint_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(plotting.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(vhashdb.UsageError, match="matplotlib") as caught:
        plotting.require_target(tmp_path / "why.png")
    assert caught.value.hint == 'pip install "vhashdb[plot]"'


def test_a_folder_that_may_not_be_written_to(monkeypatch, tmp_path):
    monkeypatch.setattr(plotting.os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(vhashdb.UsageError, match=r"why\.png cannot be written: its folder does not allow it"):
        plotting.require_target(tmp_path / "why.png")


def test_a_full_disk_leaves_the_old_file(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device")

    (tmp_path / "why.png").write_text("old")
    monkeypatch.setattr(plotting.os, "replace", full)
    same = fingerprint_of(random_hashes(3, 20))
    with pytest.raises(vhashdb.UsageError, match=r"why\.png cannot be written: No space left on device"):
        plotting.plot(explain(same, same), tmp_path / "why.png")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("why.png", "old")]


def test_a_line_of_sound_is_where_its_seconds_are_and_is_named(tmp_path):
    """Also where no picture is alike, and nothing is drawn of pictures."""
    files = listening(tmp_path)
    explanation = explain(vhashdb.fingerprint(files["elsewhere.mp4"], views="query"), vhashdb.fingerprint(files["known.mp4"]))
    plotting.plot(explanation, tmp_path / "why.svg")
    drawing = Drawing(tmp_path / "why.svg", explanation)
    (sound,) = explanation.judgement.sounds
    assert drawing.ids("sound-") == ["sound-0"] and not drawing.ids("segment-")
    start, end = drawing.ends("sound-0")
    assert start == pytest.approx((sound.query_start_s, sound.reference_start_s), abs=0.1)
    assert end == pytest.approx((sound.query_end_s, sound.reference_end_s), abs=0.1)


def test_files_without_pictures_can_be_drawn(tmp_path):
    files = listening(tmp_path)
    explanation = explain(vhashdb.fingerprint(files["alone.mp3"], views="query"), vhashdb.fingerprint(files["alone.wav"]))
    plotting.plot(explanation, tmp_path / "why.svg")
    assert Drawing(tmp_path / "why.svg", explanation).ids("sound-") == ["sound-0"]
