"""CycleGAN: pictures of one kind into another and back, learned without pairs.

Zhu, Park, Isola and Efros, Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks, 2017, arXiv:1703.10593: two generators of residual blocks, two discriminators of patches,
least squares, and what comes back must be what went. Discriminators are shown earlier pictures too:
Shrivastava and others, Learning from Simulated and Unsupervised Images through Adversarial
Training, 2016, arXiv:1612.07828.
"""

import keras
import tensorflow as tf
from keras import ops

from zoo import layers
from zoo.models.competition import LOSSES, Competition
from zoo.models.dcgan import initializer, stages_of
from zoo.models.pix2pix import discriminator, instance_normalized, shown


@layers.register
class Pool(keras.layers.Layer):
    """Generated pictures of earlier steps `(B, H, W, C)`, given for new ones half of the time.

    The first `size` pictures fill it, and are given as they are.
    """

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = size
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, input_shape):
        kept = {"trainable": False, "initializer": "zeros", "aggregation": "only_first_replica"}
        self.kept = self.add_weight((self.size, *input_shape[1:]), name="kept", **kept)
        self.seen = self.add_weight((), dtype="int32", name="seen", **kept)

    def call(self, pictures):
        rows = ops.minimum(ops.shape(pictures)[0], self.size)
        given, rest = pictures[:rows], pictures[rows:]
        places = ops.arange(self.size)
        drawn = keras.random.shuffle(places, seed=self.seed_generator)[:rows]
        full = self.seen >= self.size
        places = ops.where(full, drawn, (self.seen + places[:rows]) % self.size)
        older = ops.take(self.kept, places, axis=0)
        swapped = ops.logical_and(
            full, keras.random.uniform((rows,), seed=self.seed_generator) < 0.5
        )
        swapped = swapped[:, None, None, None]
        stored = ops.where(ops.logical_or(swapped, ops.logical_not(full)), given, older)
        self.kept.assign(ops.scatter_update(self.kept, places[:, None], stored))
        self.seen.assign(ops.minimum(self.seen + rows, self.size))
        return ops.concatenate([ops.where(swapped, older, given), rest])

    def get_config(self):
        return {**super().get_config(), "size": self.size}


@layers.register
class CycleGAN(Competition):
    """Two generators, there and back, and a discriminator of each kind of pictures.

    Called, it turns pictures `(B, H, W, C)` in [0, 1] of the first kind into the second; its
    `generator` gives what they become as the second and as the first kind. It trains on pictures of
    both kinds that have nothing to do with each other. `cycle_mae` is the mean absolute difference
    of what comes back from what went, of both kinds.

    Args:
        forward, backward: models from pictures to pictures.
        discriminator_a, discriminator_b: models from pictures to a logit a patch.
        cycle: weight of that difference, of pictures in [-1, 1].
        identity: weight of what each generator changes in its own kind, as a share of `cycle`.
        pool: how many earlier pictures are kept for each discriminator; 0 for none.
        **kwargs: `discriminator_rate`, and what `keras.Model` takes.
    """

    def __init__(
        self, forward, backward, discriminator_a, discriminator_b, *, cycle=10.0, identity=0.5,
        pool=50, **kwargs,
    ):  # fmt: skip
        super().__init__(
            "cycle_mae", forward=forward, backward=backward, discriminator_a=discriminator_a,
            discriminator_b=discriminator_b, **kwargs,
        )  # fmt: skip
        self.cycle, self.identity, self.pool = cycle, identity, pool
        self.pools = [Pool(pool, name=f"pool_{k}", dtype="float32") for k in "ab" if pool]
        for kept in self.pools:
            kept.build(forward.output_shape)
        given = keras.Input(forward.input_shape[1:], name="pictures")
        self.generator = keras.Model(given, [forward(given), backward(given)], name="generator")
        self(forward.input)  # built, and exportable before any training

    def call(self, inputs, training=False):
        return self.forward(inputs, training=training)

    def measure(self, a, b, training):
        """Return what is measured on a batch, the generators' gradients and the discriminators'."""
        with tf.GradientTape(persistent=True) as tape:
            made_b, made_a = self.forward(a, training=training), self.backward(b, training=training)
            back_a = self.backward(made_b, training=training)
            back_b = self.forward(made_a, training=training)
            cycle_mae = ops.mean(ops.abs(back_a - a)) + ops.mean(ops.abs(back_b - b))
            generator_loss = 2.0 * self.cycle * cycle_mae
            if self.identity:
                same = self.backward(a, training=training), self.forward(b, training=training)
                changed = ops.mean(ops.abs(same[0] - a)) + ops.mean(ops.abs(same[1] - b))
                generator_loss += 2.0 * self.identity * self.cycle * changed
            sides = [
                self.judged(kind, real, made, training)
                for kind, real, made in (("a", a, made_a), ("b", b, made_b))
            ]
            generator_loss += sum(loss for loss, _, _ in sides)
            discriminator_loss = 0.5 * sum(loss for _, loss, _ in sides)
        accuracy = 0.5 * sum(accuracy for _, _, accuracy in sides)
        losses = generator_loss, discriminator_loss
        return self.measured(tape, losses, accuracy, 0.5 * cycle_mae)

    def judged(self, kind, real, made, training):
        """Return a generator's loss, its discriminator's, and that one's accuracy."""
        judge = getattr(self, f"discriminator_{kind}")
        real_logits, fake_logits = judge(real, training=training), judge(made, training=training)
        generator_loss, discriminator_loss = LOSSES["least-squares"](real_logits, fake_logits, 0.0)
        if self.pools and training:
            shown_before = self.pools["ab".index(kind)](ops.stop_gradient(made))
            known = judge(shown_before, training=training)
            _, discriminator_loss = LOSSES["least-squares"](real_logits, known, 0.0)
        accuracy = ops.mean(ops.cast(real_logits > fake_logits, "float32"))
        return generator_loss, discriminator_loss, accuracy

    def get_config(self):
        options = {"cycle": self.cycle, "identity": self.identity, "pool": self.pool}
        return {**super().get_config(), **options}


def generator(input_shape, filters, blocks):
    """Return a model that halves pictures twice, changes what is left, and doubles it twice."""
    stages_of(input_shape)  # refuses sizes it cannot halve twice
    given = keras.Input(input_shape, name="pictures")
    x = keras.layers.Rescaling(2.0, offset=-1.0)(given)  # in [-1, 1]
    x = activated(convolved(Mirrored(3)(x), filters, 7, padding="valid"))
    for stage in (1, 2):
        x = activated(convolved(x, filters * 2**stage, 3, strides=2))
    for _ in range(blocks):
        y = activated(convolved(Mirrored(1)(x), filters * 4, 3, padding="valid"))
        y = instance_normalized(convolved(Mirrored(1)(y), filters * 4, 3, padding="valid"))
        x = keras.layers.Add()([x, y])
    for stage in (1, 0):
        x = keras.layers.Conv2DTranspose(
            filters * 2**stage, 3, strides=2, padding="same", kernel_initializer=initializer()
        )(x)
        x = activated(x)
    x = convolved(Mirrored(3)(x), input_shape[-1], 7, padding="valid")
    return keras.Model(given, shown(x))


@layers.register
class Mirrored(keras.layers.Layer):
    """Maps with so many pixels more at each side, which mirror those within."""

    def __init__(self, pixels, **kwargs):
        super().__init__(**kwargs)
        self.pixels = pixels

    def call(self, x):
        around = (self.pixels, self.pixels)
        return ops.pad(x, ((0, 0), around, around, (0, 0)), mode="reflect")

    def get_config(self):
        return {**super().get_config(), "pixels": self.pixels}


def convolved(x, filters, size, strides=1, padding="same"):
    return keras.layers.Conv2D(
        filters, size, strides=strides, padding=padding, kernel_initializer=initializer()
    )(x)


def activated(x):
    return keras.layers.ReLU()(instance_normalized(x))


def cyclegan(
    input_shape, *, filters=64, blocks=None, cycle=10.0, identity=0.5, pool=50,
    discriminator_rate=1.0,
):  # fmt: skip
    """Build a CycleGAN; called, it turns pictures of the first kind into the second, in [0, 1].

    Args:
        input_shape: height, width and channels of a picture; sides divisible by 4, at least 8.
        filters: channels next to the picture; each halving of its size doubles them.
        blocks: residual blocks; by default 6, and 9 from 256 pixels on, as in the paper.
        cycle: weight of how far what comes back is from what went.
        identity: weight, as a share of `cycle`, of what a generator changes in its own kind.
        pool: generated pictures of earlier steps kept for each discriminator; 0 for none.
        discriminator_rate: the discriminators' learning rate, as a share of the generators'.
    """
    stages_of(input_shape)
    blocks = blocks or (9 if max(input_shape[:2]) >= 256 else 6)
    return CycleGAN(
        *(generator(input_shape, filters, blocks) for _ in range(2)),
        *(discriminator([input_shape], filters) for _ in range(2)),
        cycle=cycle,
        identity=identity,
        pool=pool,
        discriminator_rate=discriminator_rate,
        name="cyclegan",
    )
