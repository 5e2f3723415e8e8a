"""Two networks in competition: one Model class for all that make pictures of latents.

The gradient penalty is that of Gulrajani and others, Improved Training of Wasserstein GANs, 2017,
arXiv:1704.00028; R1 that of Mescheder, Geiger and Nowozin, Which Training Methods for GANs do
actually Converge?, 2018, arXiv:1801.04406.
"""

import keras
import tensorflow as tf
from keras import ops

from zoo import layers
from zoo.models.competition import LOSSES, Competition


@layers.register
class Adversarial(Competition):
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
        loss: one of `zoo.models.competition.LOSSES`.
        label_smoothing: real pictures are taught as `1 - label_smoothing` instead of 1, where the
            loss is non-saturating.
        critic_steps: updates of the discriminator for each of the generator.
        gradient_penalty: weight of the squared distance from 1 of the gradient's norm between real
            and generated pictures.
        r1: weight of half the gradient's squared norm at real pictures.
        classes: how many there are; 0 where it makes pictures of none.
        mismatched: whether real pictures with another class than theirs are taught as generated
            ones, too: Reed and others, Generative Adversarial Text to Image Synthesis, 2016,
            arXiv:1605.05396.
        **kwargs: `discriminator_rate`, and what `keras.Model` takes.
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
        classes=0,
        mismatched=False,
        **kwargs,
    ):
        if mismatched and classes < 2:
            raise ValueError(
                f"Expected two classes at least to mismatch. Received: classes={classes}"
            )
        super().__init__("diversity", generator=generator, discriminator=discriminator, **kwargs)
        self.adversarial_loss = loss
        self.label_smoothing = label_smoothing
        self.critic_steps = critic_steps
        self.gradient_penalty = gradient_penalty
        self.r1 = r1
        self.classes = classes
        self.mismatched = mismatched
        latents = generator.input["latents"] if classes else generator.input
        self.latent_dim = latents.shape[-1]
        self.seed_generator = keras.random.SeedGenerator()
        self(generator.input)  # built, and exportable before any training

    def call(self, inputs, training=False):
        # Keras's own export gives a kind of dictionary that is strange to the generator.
        given = dict(inputs) if self.classes else inputs
        return self.generator(given, training=training)

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
            measured, generating, discriminating = self.measure(*part, training=True, both=last)
            self.discriminator_optimizer.apply(discriminating, self.discriminating)
            if last:
                self.optimizer.apply(generating, self.generating)
        return self.track(measured, rows)

    def measure(self, real, classes, training, both=True):
        """Return what is measured on a batch, the generator's gradients and the discriminator's.

        Without `both` the generator has none, and its loss is not differentiated.
        """
        latents = keras.random.normal(
            (ops.shape(real)[0], self.latent_dim), seed=self.seed_generator
        )
        with tf.GradientTape(persistent=True) as tape:
            fake = self.generator(self._of_classes("latents", latents, classes), training=training)
            real_logits = self.judge(real, classes, training)  # (B, 1)
            fake_logits = self.judge(fake, classes, training)  # (B, 1)
            distances = LOSSES[self.adversarial_loss]
            generator_loss, discriminator_loss = distances(
                real_logits, fake_logits, self.label_smoothing
            )
            if self.mismatched:
                wrong = self.judge(real, self._others(classes), training)
                _, discriminator_loss = distances(
                    real_logits, ops.concatenate([fake_logits, wrong]), self.label_smoothing
                )
            discriminator_loss += self.penalty(real, fake, classes, training)
        accuracy = ops.mean(ops.cast(real_logits > fake_logits, "float32"))
        diversity = _spread(fake) / ops.maximum(_spread(real), keras.config.epsilon())
        losses = generator_loss, discriminator_loss
        return self.measured(tape, losses, accuracy, diversity, both)

    def judge(self, pictures, classes, training):
        return self.discriminator(
            self._of_classes("pictures", pictures, classes), training=training
        )

    def _of_classes(self, name, values, classes):
        return {name: values, "classes": classes} if self.classes else values

    def _others(self, classes):
        """Return for each class another one, all of them as likely."""
        moved = keras.random.randint(
            ops.shape(classes), 1, self.classes, "int32", seed=self.seed_generator
        )
        return (ops.cast(classes, "int32") + moved) % self.classes

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

    def get_config(self):
        return {
            **super().get_config(),
            "loss": self.adversarial_loss,
            "label_smoothing": self.label_smoothing,
            "critic_steps": self.critic_steps,
            "gradient_penalty": self.gradient_penalty,
            "r1": self.r1,
            "classes": self.classes,
            "mismatched": self.mismatched,
        }


def check_picture(shape):
    """Raise a ValueError where a shape is none of pictures."""
    if len(shape) != 3:
        raise ValueError(
            f"Expected `input_shape` to be (height, width, channels). Received: input_shape={shape}"
        )


def _spread(pictures):
    """Return how far pictures of a batch are from their mean: a root mean square."""
    return ops.sqrt(ops.mean(ops.var(ops.cast(pictures, "float32"), axis=0)))
