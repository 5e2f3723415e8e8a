"""Face swapping: one encoder for two persons, and a decoder for each.

Perov and others, DeepFaceLab: Integrated, flexible and extensible face-swapping framework, 2020,
arXiv:2005.05535, describe it (section 3.2) as it became known in 2017: faces are bent a little, and
each decoder learns to give back those of one person as they were. What the encoder sees of one
person, the other's decoder then draws.

For that to be nothing it has never been shown, what is seen of each person is normalized on its
own, as in Chang and others, Domain-Specific Batch Normalization for Unsupervised Domain Adaptation,
2019, arXiv:1906.03950: how a face is turned stays, and whose it is goes.
"""

import keras
import tensorflow as tf
from keras import ops

from zoo import layers
from zoo.models.dcgan import stages_of

METRICS = ("loss", "mae_a", "mae_b")
GRID = 5  # points a side that are moved at random


@layers.register
class FaceSwap(keras.Model):
    """One encoder and two decoders.

    Called, it turns pictures `(B, H, W, C)` in [0, 1] of the first kind into the second; its
    `generator` gives what they become as the second and as the first kind. It trains on pictures of
    both kinds that have nothing to do with each other; what is seen of each is normalized on its
    own. `mae_a` and `mae_b` are the mean absolute differences of what the decoders give back.

    Args:
        encoder: model from pictures to numbers `(B, units)`.
        decoder_a, decoder_b: models from these to pictures.
        warp: how far points of a picture are moved before it is encoded, as a share of its side.
        **kwargs: what `keras.Model` takes.
    """

    def __init__(self, encoder, decoder_a, decoder_b, *, warp=0.03, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.decoder_a, self.decoder_b = encoder, decoder_a, decoder_b
        self.warp = warp
        self.seed_generator = keras.random.SeedGenerator()
        self.means = [keras.metrics.Mean(name=name) for name in METRICS]
        self.normal_a, self.normal_b = (
            layers.batch_normalization(momentum=0.9, center=False, scale=False) for _ in range(2)
        )
        given = keras.Input(encoder.input_shape[1:], name="pictures")
        seen = encoder(given)
        swapped = [decoder_b(self.normal_a(seen)), decoder_a(self.normal_b(seen))]
        self.generator = keras.Model(given, swapped, name="generator")
        self(given)  # built, and exportable before any training

    def call(self, inputs, training=False):
        seen = self.normal_a(self.encoder(inputs, training=training), training=training)
        return self.decoder_b(seen, training=training)

    @property
    def metrics(self):
        return self.means

    def train_step(self, data):
        a, b, _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            losses = self.losses_of(a, b, training=True)
        self.optimizer.apply(
            tape.gradient(losses[0], self.trainable_variables), self.trainable_variables
        )
        return self.track(losses, ops.shape(a)[0])

    def test_step(self, data):
        a, b, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self.track(self.losses_of(a, b, training=False), ops.shape(a)[0])

    def losses_of(self, a, b, training):
        """Return the loss of a batch of each kind and its two parts; bent where in training."""
        both = ops.concatenate([a, b])
        shown = warped(both, self.warp, self.seed_generator) if training and self.warp else both
        seen = self.encoder(shown, training=training)
        rows = ops.shape(a)[0]
        made = (
            self.decoder_a(self.normal_a(seen[:rows], training=training), training=training),
            self.decoder_b(self.normal_b(seen[rows:], training=training), training=training),
        )
        parts = [ops.mean(ops.abs(x - y)) for x, y in zip(made, (a, b), strict=True)]
        return [sum(parts), *parts]

    def track(self, losses, examples):
        for mean, value in zip(self.means, losses, strict=True):
            mean.update_state(value, sample_weight=examples)
        return {mean.name: mean.result() for mean in self.means}

    def get_config(self):
        networks = {
            name: keras.saving.serialize_keras_object(getattr(self, name))
            for name in ("encoder", "decoder_a", "decoder_b")
        }
        return {**super().get_config(), **networks, "warp": self.warp}

    @classmethod
    def from_config(cls, config):
        for network in ("encoder", "decoder_a", "decoder_b"):
            config[network] = keras.saving.deserialize_keras_object(config[network])
        return cls(**config)


def warped(pictures, strength, seed):
    """Return pictures bent smoothly: points of a grid are moved at random, those between along."""
    count, (height, width) = ops.shape(pictures)[0], pictures.shape[1:3]
    moves = strength * keras.random.normal((count, GRID, GRID, 2), seed=seed)
    moves = ops.image.resize(moves, (height, width), interpolation="bicubic")
    y = ops.arange(height, dtype="float32")[:, None] + moves[..., 0] * height
    x = ops.arange(width, dtype="float32")[None, :] + moves[..., 1] * width
    y, x = ops.clip(y, 0, height - 1), ops.clip(x, 0, width - 1)
    top, left = ops.floor(y), ops.floor(x)
    down, across = (y - top)[..., None], (x - left)[..., None]

    def corner(lower, right):
        rows = ops.minimum(ops.cast(top, "int32") + lower, height - 1)
        columns = ops.minimum(ops.cast(left, "int32") + right, width - 1)
        return tf.gather_nd(pictures, ops.stack([rows, columns], axis=-1), batch_dims=1)

    above = corner(0, 0) * (1 - across) + corner(0, 1) * across
    below = corner(1, 0) * (1 - across) + corner(1, 1) * across
    return above * (1 - down) + below * down


def activated(x):
    return keras.layers.LeakyReLU(negative_slope=0.1)(x)


def doubled(x, filters):
    """Return maps twice as large, whose pixels were channels before."""
    x = activated(keras.layers.Conv2D(4 * filters, 3, padding="same")(x))  # (B, h, w, 4 * filters)
    height, width = x.shape[1:3]
    x = keras.layers.Reshape((height, width, 2, 2, filters))(x)
    x = keras.layers.Permute((1, 3, 2, 4, 5))(x)
    return keras.layers.Reshape((2 * height, 2 * width, filters))(x)


def encoder(input_shape, filters, units):
    pictures = keras.Input(input_shape, name="pictures")
    x = keras.layers.Rescaling(2.0, offset=-1.0)(pictures)
    for stage in range(stages_of(input_shape)):
        x = activated(keras.layers.Conv2D(filters * 2**stage, 5, strides=2, padding="same")(x))
    return keras.Model(
        pictures, keras.layers.Dense(units)(keras.layers.Flatten()(x)), name="encoder"
    )


def decoder(input_shape, filters, units, name):
    stages = stages_of(input_shape)
    height, width, channels = input_shape
    base = (height // 2**stages, width // 2**stages, filters * 2 ** (stages - 1))
    seen = keras.Input((units,), name="seen")
    x = keras.layers.Reshape(base)(keras.layers.Dense(base[0] * base[1] * base[2])(seen))
    for stage in reversed(range(stages)):
        x = doubled(x, filters * 2**stage)
    pictures = keras.layers.Conv2D(
        channels, 5, padding="same", activation="sigmoid", dtype="float32"
    )(x)
    return keras.Model(seen, pictures, name=name)


def faceswap(input_shape, *, filters=64, units=64, warp=0.03):
    """Build a face swapper; called, it turns pictures of the first kind into the second.

    Args:
        input_shape: height, width and channels of a picture; sides divisible by 4, at least 8.
        filters: channels next to the picture; each halving of its size doubles them.
        units: how many numbers a picture is encoded as: the fewer, the more surely the other is
            drawn, and the less like what was given.
        warp: how far points of a picture are moved while training, as a share of its side; 0 for
            not at all.
    """
    decoders = [decoder(input_shape, filters, units, f"decoder_{kind}") for kind in "ab"]
    return FaceSwap(encoder(input_shape, filters, units), *decoders, warp=warp, name="faceswap")
