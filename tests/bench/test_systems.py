import numpy as np

from bench.systems import PEERS, PHashFrames, distances_bits, one_frame_a_second, share_found


def test_distances_count_differing_bits():
    a, b = np.array([[0b1111, 0], [0, 0]], np.uint8), np.array([[0b0001, 0b1], [0, 0], [0xFF, 0xFF]], np.uint8)
    assert distances_bits(a, b).tolist() == [[4, 4, 12], [2, 0, 16]]


def test_share_found_is_of_the_first_ones_frames():
    zero, ones = np.zeros((1, 32), np.uint8), np.full((1, 32), 0xFF, np.uint8)
    assert share_found(zero, np.concatenate((zero, ones))) == 1
    assert share_found(np.concatenate((zero, ones)), zero) == 0.5


def test_31_bits_are_near_and_32_are_not():
    zero = np.zeros((1, 32), np.uint8)
    near, far = zero.copy(), zero.copy()
    near[0, :4], far[0, :4] = (255, 255, 255, 127), 255
    assert (share_found(zero, near), share_found(zero, far)) == (1, 0)


def test_a_frame_a_second(samples):
    film = min((samples / "known").glob("*.mp4"))
    frames = list(one_frame_a_second(film))
    assert 1 <= len(frames) <= 60
    assert all(frame.dtype == np.uint8 and frame.shape[2] == 3 for frame in frames)


def test_a_film_finds_itself(samples):
    film = min((samples / "known").glob("*.mp4"))
    peer = PHashFrames()
    made = peer.hash(film)
    assert made.shape[1] == 32
    assert peer.scores(made, [made]) == [1.0]


def test_names_are_options():
    assert len({peer.name for peer in PEERS}) == len(PEERS)
    assert not any("," in peer.name or " " in peer.name for peer in PEERS)
