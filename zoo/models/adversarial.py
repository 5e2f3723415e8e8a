"""Two networks in competition: one Model class for every generator and discriminator pair.

Goodfellow and others, Generative Adversarial Networks, 2014, arXiv:1406.2661. What pulls them
apart is one of `LOSSES`:

- non-saturating: cross-entropy, the generator's as in section 3 of that paper.
- wasserstein: Arjovsky, Chintala and Bottou, Wasserstein GAN, 2017, arXiv:1701.07875.
- hinge: Lim and Ye, Geometric GAN, 2017, arXiv:1705.02894.

One-sided label smoothing is Salimans' and others', 2016, arXiv:1606.03498; the gradient penalty
Gulrajani's and others', 2017, arXiv:1704.00028; R1 Mescheder's, Geiger's and Nowozin's, 2018,
arXiv:1801.04406.
"""

import keras
import tensorflow as tf
from keras import ops

from zoo import layers

METRICS = (
    "generator_loss",
    "discriminator_loss",
    "discriminator_accuracy",
    "generator_gradient",
    "discriminator_gradient",
    "diversity",
)


def _cross_entropies(real, fake, smoothing):
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    ones, zeros = ops.ones_like(real), ops.zeros_like(fake)
    wanted = ones * (1.0 - smoothing)
    return entropy(ones, fake), entropy(wanted, real) + entropy(zeros, fake)


def _wasserstein(real, fake, smoothing):
    return -ops.mean(fake), ops.mean(fake) - ops.mean(real)


def _hinge(real, fake, smoothing):
    return -ops.mean(fake), ops.mean(ops.relu(1.0 - real)) + ops.mean(ops.relu(1.0 + fake))


LOSSES = {"non-saturating": _cross_entropies, "wasserstein": _wasserstein, "hinge": _hinge}


@layers.register
class Scaled(keras.optimizers.schedules.LearningRateSchedule):
    """A share of another schedule."""

    def __init__(self, schedule, share):
        super().__init__()
        self.schedule, self.share = schedule, share

    def __call__(self, step):
        return self.schedule(step) * self.share

    def get_config(self):
        kept = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": kept, "share": self.share}

    @classmethod
    def from_config(cls, config):
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["share"])


@layers.register
class Adversarial(keras.Model):
    """A generator and a discriminator that learn from each other.

    Called, it is its generator: latents `(B, latent_dim)` to pictures `(B, H, W, C)` in [0, 1];
    with classes it takes a dictionary of `latents` and of `classes`, int `(B,)`, and so does its
    discriminator of `pictures` and `classes`. It trains on batches of pictures, with classes on
    pairs of pictures and classes.

    A step first divides its examples into `critic_steps` parts, each of which the discriminator
    learns from; the generator learns with the last of them.

    Besides both losses it measures `discriminator_accuracy`, how often a real picture is rated
    above a generated one; the norms of both networks' whole gradients; and `diversity`, how far
    generated pictures are from each other in a batch, beside real ones: 1 is as far, and near 0
    all are the same.

    Args:
        generator: model from latents to pictures.
        discriminator: model from pictures to one logit, above zero for real ones.
        loss: one of `LOSSES`.
        label_smoothing: real pictures are taught as `1 - label_smoothing` instead of 1, where the
            loss is non-saturating.
        critic_steps: updates of the discriminator for each of the generator.
        gradient_penalty: weight of the squared distance from 1 of the gradient's norm between real
            and generated pictures.
        r1: weight of half the gradient's squared norm at real pictures.
        discriminator_rate: the discriminator's learning rate, as a share of the generator's.
        classes: how many there are; 0 where it makes pictures of none.
    """

    def __init__(
        self,
        generator,
        discriminator,
        *,
        loss="non-saturating",
        label_smoothing=0.0,
        critic_steps=1,
        gradient_penalty=0.0,
        r1=0.0,
        discriminator_rate=1.0,
        classes=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.adversarial_loss = loss
        self.label_smoothing = label_smoothing
        self.critic_steps = critic_steps
        self.gradient_penalty = gradient_penalty
        self.r1 = r1
        self.discriminator_rate = discriminator_rate
        self.classes = classes
        latents = generator.input["latents"] if classes else generator.input
        self.latent_dim = latents.shape[-1]
        self.seed_generator = keras.random.SeedGenerator()
        self.means = [keras.metrics.Mean(name=name) for name in METRICS]
        self.discriminator_optimizer: keras.optimizers.Optimizer = None
        self(generator.input)  # built, and exportable before any training

    def call(self, inputs, training=False):
        return self.generator(inputs, training=training)

    def compile(self, optimizer, discriminator_optimizer=None, **kwargs):
        """Configure training; without a second optimizer the discriminator gets one like it."""
        optimizer = keras.optimizers.get(optimizer)
        if discriminator_optimizer is None:
            discriminator_optimizer = optimizer.from_config(self._other_rate(optimizer))
        super().compile(optimizer=optimizer, **kwargs)
        self.discriminator_optimizer = keras.optimizers.get(discriminator_optimizer)
        self.optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    def _other_rate(self, optimizer):
        """Return an optimizer's configuration with the discriminator's learning rate."""
        config, share = optimizer.get_config(), self.discriminator_rate
        rate = optimizer._learning_rate
        if share == 1.0:
            return config
        if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            return {**config, "learning_rate": Scaled(rate, share)}
        return {**config, "learning_rate": config["learning_rate"] * share}

    @property
    def metrics(self):
        return self.means

    def train_step(self, data):
        real, classes, _ = keras.utils.unpack_x_y_sample_weight(data)
        rows = ops.shape(real)[0]
        for number in range(self.critic_steps):
            # A last batch may be of fewer rows than there are parts, and none may be empty.
            start = number * rows // self.critic_steps
            stop = ops.maximum((number + 1) * rows // self.critic_steps, start + 1)
            part = (real, classes) if self.critic_steps == 1 else (
                real[start:stop], None if classes is None else classes[start:stop]
            )  # fmt: skip
            last = number == self.critic_steps - 1
            measured, generator, discriminator = self.learn(*part, training=True, both=last)
            self.discriminator_optimizer.apply(
                discriminator, self.discriminator.trainable_variables
            )
            if last:
                self.optimizer.apply(generator, self.generator.trainable_variables)
        return self.track(measured, rows)

    def test_step(self, data):
        real, classes, _ = keras.utils.unpack_x_y_sample_weight(data)
        measured, _, _ = self.learn(real, classes, training=False)
        return self.track(measured, ops.shape(real)[0])

    def learn(self, real, classes, training, both=True):
        """Return what is measured on a batch, the generator's gradients and the discriminator's.

        Without `both` the generator has none, and its loss is not differentiated.
        """
        latents = keras.random.normal(
            (ops.shape(real)[0], self.latent_dim), seed=self.seed_generator
        )
        generator = self.generator.trainable_variables
        discriminator = self.discriminator.trainable_variables
        with tf.GradientTape(persistent=True) as tape:
            fake = self.generator(self._of_classes("latents", latents, classes), training=training)
            real_logits = self.judge(real, classes, training)  # (B, 1)
            fake_logits = self.judge(fake, classes, training)  # (B, 1)
            generator_loss, discriminator_loss = LOSSES[self.adversarial_loss](
                real_logits, fake_logits, self.label_smoothing
            )
            discriminator_loss += self.penalty(real, fake, classes, training)
        gradients = tape.gradient(discriminator_loss, discriminator)
        learned = tape.gradient(generator_loss, generator) if both else []
        measured = (
            generator_loss,
            discriminator_loss,
            ops.mean(ops.cast(real_logits > fake_logits, "float32")),
            tf.linalg.global_norm(learned) if both else 0.0,
            tf.linalg.global_norm(gradients),
            _spread(fake) / ops.maximum(_spread(real), keras.config.epsilon()),
        )
        return measured, learned, gradients

    def judge(self, pictures, classes, training):
        return self.discriminator(
            self._of_classes("pictures", pictures, classes), training=training
        )

    def _of_classes(self, name, values, classes):
        return {name: values, "classes": classes} if self.classes else values

    def penalty(self, real, fake, classes, training):
        """Return what the discriminator pays for steep slopes."""
        total = 0.0
        if self.gradient_penalty:
            share = keras.random.uniform(
                (ops.shape(real)[0], 1, 1, 1), seed=self.seed_generator, dtype=fake.dtype
            )
            between = fake + share * (ops.cast(real, fake.dtype) - fake)
            norms = ops.sqrt(self._squared_slope(between, classes, training) + 1e-12)
            total += self.gradient_penalty * ops.mean(ops.square(norms - 1.0))
        if self.r1:
            total += 0.5 * self.r1 * ops.mean(self._squared_slope(real, classes, training))
        return total

    def _squared_slope(self, pictures, classes, training):
        """Return the squared norm of the gradient at each picture, `(B,)`."""
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            total = ops.sum(self.judge(pictures, classes, training))
        return ops.sum(ops.square(tape.gradient(total, pictures)), axis=(1, 2, 3))

    def track(self, measured, examples):
        # Keras divides losses by the number of replicas; the log shows them undivided.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        for mean, value in zip(self.means, measured, strict=True):
            scale = replicas if mean.name.endswith("loss") else 1
            mean.update_state(value * scale, sample_weight=examples)
        return {mean.name: mean.result() for mean in self.means}

    def get_config(self):
        return {
            **super().get_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "loss": self.adversarial_loss,
            "label_smoothing": self.label_smoothing,
            "critic_steps": self.critic_steps,
            "gradient_penalty": self.gradient_penalty,
            "r1": self.r1,
            "discriminator_rate": self.discriminator_rate,
            "classes": self.classes,
        }

    @classmethod
    def from_config(cls, config):
        for network in ("generator", "discriminator"):
            config[network] = keras.saving.deserialize_keras_object(config[network])
        return cls(**config)

    def get_compile_config(self):
        if self.discriminator_optimizer is None:
            return None
        return {
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "discriminator_optimizer": keras.saving.serialize_keras_object(
                self.discriminator_optimizer
            ),
        }

    def compile_from_config(self, config):
        self.compile(
            *(
                keras.saving.deserialize_keras_object(config[name])
                for name in ("optimizer", "discriminator_optimizer")
            )
        )


def check_picture(shape):
    """Raise a ValueError where a shape is none of pictures."""
    if len(shape) != 3:
        raise ValueError(
            f"Expected `input_shape` to be (height, width, channels). Received: input_shape={shape}"
        )


def _spread(pictures):
    """Return how far pictures of a batch are from their mean: a root mean square."""
    return ops.sqrt(ops.mean(ops.var(ops.cast(pictures, "float32"), axis=0)))
