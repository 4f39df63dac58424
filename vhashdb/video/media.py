"""Decode one file, whatever it holds: its tracks of pictures lie one after the other on one timeline, its sound beside the first.

A file can have several tracks: two videos, a cover beside a video, a video behind a photograph, a burst of photographs. Each is read
from its beginning, the main one first, with a short gap between them, so that fingerprints, matches and explanations treat
all of them alike. Sound, where it is wanted, belongs to the main track of pictures of a container and lies where that does: that of a
video behind a photograph begins with the video. A file without pictures has a timeline of its own sound. Runs in the child process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, Protocol

from vhashdb.coverage import Coverage, PictureTrack, SoundTrack
from vhashdb.errors import MediaError, NotMedia, UnreadableMedia
from vhashdb.limits import Limits
from vhashdb.video.decode import Budget, VideoContainer
from vhashdb.video.files import unread_format, video_behind
from vhashdb.video.frames import FrameBatch, Mode, Sampling, SoundBlock, VideoInfo
from vhashdb.video.pictures import picture_pass

GAP_S: Final = 1.0
"""Seconds between two tracks on the timeline. Derived: more than any slack that comparing allows, so that no match runs on into the
next."""

_NEITHER: Final = "only files with pictures or sound can be checked"
_CONVERT: Final = "convert it to a format that is read, such as PNG or MP4; a person has to look at it until then"


class TrackPass(Protocol):
    """Read one track: iterate for batches, with times since its first frame; the other members are known afterwards."""

    track: PictureTrack
    frames: int
    damaged_frames: int
    damage: list[str]
    unseen: list[str]
    duration_s: float
    sparse: bool
    rotation: int
    empty: bool

    @property
    def skipped(self) -> bool:
        """Whether it is not to be sampled, which is no loss."""

    def __iter__(self) -> Iterator[FrameBatch]: ...


class DecodeSession:
    """Decode one file, whatever it holds: iterate for batches, then read ``info``."""

    def __init__(self, path: str, sampling: Sampling, limits: Limits, hear: Callable[[SoundBlock], None] | None = None) -> None:
        """``hear`` takes blocks of sound, as they come between the batches; None if sound is not wanted."""
        self._hear = hear
        self._container: VideoContainer | None = None
        self._sounds: list[SoundTrack] = []
        self._sound_number, self._sound_start_s, self._sound_end_s = 0, 0.0, 0.0
        self._path, self._sampling, self._limits = path, sampling, limits
        self._tracks: list[PictureTrack] = []
        self._damage: list[tuple[int, str]] = []
        self._unseen: list[str] = []
        self._sparse = False
        self._errors: list[MediaError] = []
        self._end_s = 0.0
        self.info = VideoInfo()

    def __iter__(self) -> Iterator[FrameBatch]:
        for track_pass in self._passes():
            if not track_pass.skipped:
                yield from self._placed(track_pass)
            elif track_pass.track.codec:
                self._tracks.append(replace(track_pass.track, unseen="a cover picture, which is not recorded"))
        if not self.info.frames:
            self._sound_alone()
        several = len(self._tracks) > 1
        damage = (f"track {number}: {words}" if several and number >= 0 else words for number, words in self._damage)
        coverage = Coverage(tuple(self._tracks), tuple(self._unseen), self._sparse, tuple(self._sounds))
        duration_s = self._end_s if self.info.frames else self._sound_end_s
        self.info = replace(self.info, duration_s=duration_s, damage=tuple(dict.fromkeys(damage)), coverage=coverage)

    def _passes(self) -> Iterator[TrackPass]:
        """Yield a pass over each track of the file, the main one first."""
        budget = Budget(self._limits)
        picture = picture_pass(self._path, self._sampling, self._limits, budget)
        if picture is None:
            try:
                yield from self._tracks_of(VideoContainer(self._path, self._sampling, self._limits, budget, hear=self._heard))
            except (NotMedia, UnreadableMedia):
                if unread := unread_format(self._path):
                    raise NotMedia(f"{self._path}: {unread} are not read", hint=_CONVERT) from None
                raise
            return
        pages = picture.pages
        yield picture
        for page in range(1, min(pages, self._limits.tracks)):
            yield picture.page(page)
        self._beyond(pages - self._limits.tracks, pages)
        window = video_behind(self._path)
        if window is not None:
            yield from self._behind(VideoContainer(self._path, self._sampling, self._limits, budget, window, self._heard))

    @property
    def _heard(self) -> Callable[[SoundBlock], None] | None:
        """What a container is to do with sound: hand it on, with its place on the timeline of the file; None if it is not wanted."""
        hear = self._hear
        if hear is None:
            return None
        return lambda block: hear(replace(block, track=self._sound_number + block.track, start_s=self._sound_start_s + block.start_s))

    def _tracks_of(self, container: VideoContainer) -> Iterator[TrackPass]:
        self._container = container
        for track_pass in container.passes():
            self._note_sound()
            yield track_pass
        self._note_sound()
        self._beyond(container.beyond, container.beyond + self._limits.tracks)

    def _behind(self, container: VideoContainer) -> Iterator[TrackPass]:
        """Yield a pass over each track of the video behind a picture; one that cannot be opened is reported as unseen."""
        before = self._sound_number = len(self._tracks)
        try:
            for track_pass in self._tracks_of(container):
                track_pass.track = replace(track_pass.track, number=before + track_pass.track.number)
                yield track_pass
        except MediaError as error:
            self._left_out(-1, f"the film behind the picture was not looked at: {self._why(error)}")

    def _placed(self, track_pass: TrackPass) -> Iterator[FrameBatch]:
        """Yield the batches of one track with their times on the timeline, then note what is to be said of it."""
        start_s = max(self._end_s, self._sound_end_s) + GAP_S if self.info.frames else 0.0
        if not self._sounds:
            self._sound_start_s = start_s
        hole_s, last_s = start_s - self._end_s, start_s
        seen = False
        try:
            for batch in track_pass:
                batch["time_s"] += start_s
                if not seen:
                    batch["hole_s"][0] = hole_s
                seen, last_s = True, float(batch["time_s"][-1])
                yield batch
        except MediaError as error:
            if not seen:
                self._not_seen(track_pass, error)
                return
            track_pass.damage.append(f"reading stopped: {self._why(error)}")
            track_pass.unseen.append(track_pass.damage[-1])
        track = replace(track_pass.track, start_s=start_s)
        self._tracks.append(track)
        self._damage += [(track.number, words) for words in track_pass.damage]
        self._unseen += track_pass.unseen
        self._sparse = self._sparse or track_pass.sparse
        self._end_s = max(start_s + track_pass.duration_s, last_s)
        info = self.info
        if not info.frames:
            info = VideoInfo(track.width, track.height, track.codec, track_pass.rotation)
        self.info = replace(info, frames=info.frames + track_pass.frames, damaged_frames=info.damaged_frames + track_pass.damaged_frames)

    def _note_sound(self) -> None:
        """Note the sound of the container that is being read, once it was read."""
        sound = self._container.sound if self._container is not None else None
        if sound is None or self._sounds:
            return
        for track in sound.described():
            place_s = self._sound_start_s + track.start_s
            self._sounds.append(replace(track, number=self._sound_number + track.number, start_s=place_s))
        self._damage += [(-1, words) for words in sound.damage()]
        self._sound_end_s = self._sound_start_s + sound.end_s

    def _sound_alone(self) -> None:
        """Read the sound of a file in which there is no picture that can be decoded.

        Raises:
            MediaError: there is no sound either, or none is wanted.
        """
        error = self._errors[0] if self._errors else UnreadableMedia(f"{self._path}: not one frame could be decoded")
        if self._hear is None or self._container is None or not isinstance(error, NotMedia | UnreadableMedia):
            raise error
        sound = self._container.sound
        if sound is None or not sound.heard:
            if not self._errors and not self._tracks:
                why = f": {self._sounds[0].unseen or 'the sound is empty'}" if self._sounds else ""
                error = NotMedia(f"{self._path}: neither pictures nor sound that can be decoded{why}", hint=_NEITHER)
            raise error
        self._unseen += [f"the sound: {track.unseen}" for track in self._sounds if track.unseen]
        self.info = VideoInfo(codec=self._sounds[0].codec)

    def _not_seen(self, track_pass: TrackPass, error: MediaError) -> None:
        """Note a track of which nothing could be sampled."""
        self._errors.append(error)
        if track_pass.empty:
            return
        why = self._why(error)
        self._tracks.append(replace(track_pass.track, unseen=why))
        if self._sampling.mode is Mode.KEYFRAMES:
            self._sparse = True  # a track need not have keyframes
        self._left_out(-1, f"track {track_pass.track.number} was not looked at: {why}")

    def _beyond(self, count: int, there: int) -> None:
        if count > 0:
            self._left_out(-1, f"only {self._limits.tracks} of {there} tracks were looked at: the limit on tracks was reached")

    def _left_out(self, number: int, words: str) -> None:
        self._damage.append((number, words))
        self._unseen.append(words)

    def _why(self, error: MediaError) -> str:
        return error.message.removeprefix(f"{self._path}: ")
