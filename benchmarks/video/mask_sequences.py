"""Image sequences with exact masks: made up, simulated, and a real one."""

import os
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates

DATA = Path(os.environ.get("PERCEPTION_LABEL_DATA", Path(__file__).parents[3] / "shared" / "data"))
KINDS = (
    "plain",
    "turning",
    "bending",
    "alike",
    "lit",
    "hidden in part",
    "leaving",
    "small",
    "passed",
)


def real():
    """Return DAVIS 2016's car-shadow, (40, 480, 854, 3) and (40, 480, 854)."""
    folder = DATA / "davis_car-shadow"
    images = [np.asarray(Image.open(p)) for p in sorted((folder / "JPEGImages").glob("*.jpg"))]
    masks = [np.asarray(Image.open(p)) > 0 for p in sorted((folder / "Annotations").glob("*.png"))]
    return np.stack(images), np.stack(masks)


def texture(rng, h, w, colours):
    """Patches of a few colours and noise of all sizes, (h, w, 3)."""
    waves = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w)[None])
    waves[0, 0] = 1

    def noise(power):
        field = np.fft.ifft2(np.fft.fft2(rng.normal(size=(h, w))) / waves**power).real
        return (field - field.mean()) / field.std()

    patch = np.clip(((noise(1.6) + 1.5) / 3 * len(colours)).astype(int), 0, len(colours) - 1)
    return (
        colours[patch] + 14 * noise(1.0)[..., None] + 6 * rng.normal(size=3) * noise(1.3)[..., None]
    )


def made_up(kind, seed, n=24, h=216, w=384):
    """Return a thing before a ground, both textured, camera and thing moving."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    grey, tint = rng.normal(0, 28, (4, 1)), rng.normal(0, 9, (4, 3))
    colours = rng.uniform(40, 200) + rng.normal(0, 8, (1, 3)) + grey + tint
    own = colours + rng.normal(0, 6, (4, 3))
    if kind != "alike":
        own = rng.uniform(40, 200) + rng.normal(0, 15, (1, 3)) + rng.normal(0, 32, (4, 1)) + tint
    ground, skin = texture(rng, 2 * h, 3 * w, colours), texture(rng, h, h, own)
    turn = np.linspace(0, 2 * np.pi, 400)
    outline = 1 + sum(
        0.37 / k * rng.normal() * np.cos(k * turn + rng.uniform(0, 6.3)) for k in range(2, 6)
    )
    outline = np.clip(outline, 0.45, 1.8)
    size = w * (0.04 if kind == "small" else rng.uniform(0.08, 0.16))
    start = w * rng.uniform(0.35, 0.65), h * rng.uniform(0.4, 0.6)
    speed = rng.uniform(-3, 3), rng.uniform(-1, 1)
    if kind == "leaving":
        speed = np.sign(speed[0]) * w * 0.8 / n, speed[1]
    pan, zoom, grow = rng.uniform(-4, 4), rng.uniform(0.985, 1.015), rng.uniform(0.98, 1.015)
    spin, yaw = rng.uniform(-0.01, 0.01), rng.choice([-1, 1]) * rng.uniform(0.015, 0.03)
    y, x = np.mgrid[:h, :w].astype(float)
    fine_y, fine_x = (np.mgrid[: 2 * h, : 2 * w] - 0.5) / 2
    images, masks = np.empty((n, h, w, 3), np.uint8), np.empty((n, h, w), bool)
    for t in range(n):
        middle = start[0] + speed[0] * t + 3 * np.sin(t / 4), start[1] + speed[1] * t

        def own_place(y, x, t=t, middle=middle):
            u, v = (x - middle[0]) / (size * grow**t), (y - middle[1]) / (size * grow**t)
            c, s = np.cos(spin * t), np.sin(spin * t)
            u, v = c * u + s * v, c * v - s * u
            if kind == "turning":
                c, s = np.cos(yaw * t), np.sin(yaw * t)
                u, v = u / (c * (1 - 0.25 * s * u)), v / (1 - 0.25 * s * u)
            if kind == "bending":
                v = v + 0.12 * np.sin(2.5 * u + t / 3) * min(t / 8, 1)
                u = u + 0.06 * np.sin(3 * v + t / 4) * min(t / 8, 1)
            return u, v

        u, v = own_place(fine_y, fine_x)
        inside = np.hypot(u, v) < np.interp(np.arctan2(v, u) % (2 * np.pi), turn, outline)
        cover = inside.reshape(h, 2, w, 2).mean(axis=(1, 3))
        u, v = own_place(y, x)
        behind = sampled(
            ground, h + (y - h / 2) * zoom**t, 1.5 * w + (x - w / 2) * zoom**t + pan * t
        )
        before = sampled(skin, h / 2 + v * h / 5, h / 2 + u * h / 5)
        if kind == "lit":  # a shadow that goes along, and an edge of the sun that crosses
            shade = np.exp(-((u / 1.2) ** 4) - ((v - 1) / 0.35) ** 4)[..., None]
            sun = 0.8 + 0.4 / (1 + np.exp(-(x - w * (0.1 + 0.03 * t)) / 3))[..., None]
            behind, before = behind * (1 - 0.6 * shade) * sun, before * sun
        image = behind * (1 - cover[..., None]) + before * cover[..., None]
        masks[t] = cover >= 0.5
        if kind == "hidden in part":
            masks[t] &= ~stand(image, x, y, w * 0.5 + 0.3 * (pan + speed[0]) * t, 0.18 * size)
        elif kind == "passed":  # from beside the thing, before it and on
            masks[t] &= ~stand(image, x, y, middle[0] + (t - n / 2) / 4 * size, 0.3 * size)
        image = gaussian_filter(image, (0.6, 0.6, 0)) + rng.normal(0, 3, image.shape)
        images[t] = np.clip(image, 0, 255)
    return images, masks


def stand(image, x, y, there, half):
    """Draw a post into an image; return where it is."""
    post = np.abs(x - there) < half
    image[post] = 80 + 15 * np.sin(y[post] / 3)[:, None]
    return post


def sampled(picture, y, x):
    channels = [map_coordinates(picture[..., k], [y, x], order=1, mode="mirror") for k in range(3)]
    return np.stack(channels, axis=-1)


def simulated(n_things=6, n=30):
    """Return images of a simulated town and the masks of its largest things in the first one."""
    from perception_label.simulate.camera import simulated_cameras
    from perception_label.simulate.settings import CameraSettings, SceneSettings

    scene = SceneSettings(seed=1, duration_s=n / 10 + 0.2, cameras=(CameraSettings(),))
    camera = simulated_cameras(scene)["front"]
    made = [camera.labelled(i) for i in range(min(n, len(camera.timestamps_ns)))]
    sizes = np.bincount(made[0].instances.ravel())
    sizes[0] = 0
    chosen = [k for k in np.argsort(-sizes)[:n_things] if sizes[k] > 200]
    masks = np.stack([[one.instances == k for one in made] for k in chosen])
    return np.stack([one.rgb for one in made]), masks
