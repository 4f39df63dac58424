"""Music for tests: notes by a seed, played at any speed and pitch, so that what a copy should be like is known exactly."""

import numpy as np

from vhashdb.sound import ASKED, SAMPLE_RATE, STORED, LandmarkBuilder


def notes(seed, seconds=20.0):
    """Notes by a seed: rows of start in seconds, frequency in Hz, length in seconds and loudness."""
    rng = np.random.default_rng(seed)
    starts = np.cumsum(rng.choice([0.125, 0.25, 0.25, 0.375, 0.5], 400))
    starts = starts[starts < seconds - 0.5]
    scale = 330 * 2 ** (np.array([0, 2, 3, 5, 7, 8, 10, 12, 14, 15, 17, 19]) / 12)
    count = len(starts)
    return np.column_stack(
        [starts, rng.choice(scale, count) * rng.choice([0.5, 1, 1, 2], count), rng.uniform(0.2, 1.0, count), rng.uniform(0.3, 1, count)]
    )


def play(tune, tempo=1.0, semitones=0.0, seconds=None, rate=SAMPLE_RATE):
    """Samples of notes, ``(n,)`` int16: so many times as fast, and so many semitones higher."""
    seconds = seconds or (tune[:, 0] + tune[:, 2]).max() / tempo
    samples = np.zeros(round(seconds * rate) + rate)
    for start, hertz, length, loudness in tune:
        first, time_s = round(start / tempo * rate), np.arange(round(length / tempo * rate)) / rate
        if first >= len(samples):
            break
        tone = sum(np.sin(2 * np.pi * hertz * 2 ** (semitones / 12) * overtone * time_s) / overtone for overtone in (1, 2, 3))
        tone *= loudness * np.exp(-3 * time_s / max(length, 0.1)) * np.minimum(1, time_s / 0.01)
        stop = min(len(samples), first + len(tone))
        samples[first:stop] += tone[: stop - first]
    samples = samples[: round(seconds * rate)]
    return (samples / max(1e-9, np.abs(samples).max()) * 20_000).astype(np.int16)


def stored(samples, start_s=0.0):
    return landmarks(samples, STORED, start_s)


def asked(samples, start_s=0.0):
    return landmarks(samples, ASKED, start_s)


def landmarks(samples, detail, start_s=0.0):
    builder = LandmarkBuilder(detail)
    builder.feed(0, start_s, samples)
    return builder.finish()
