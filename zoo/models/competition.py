"""What all models of generators and discriminators share: two sides, each with its optimizer.

The distances between what a discriminator says and what it should are `LOSSES`:

- non-saturating: cross-entropy, the generator's as in section 3 of Goodfellow and others,
  Generative Adversarial Networks, 2014, arXiv:1406.2661; with the one-sided label smoothing of
  Salimans and others, Improved Techniques for Training GANs, 2016, arXiv:1606.03498.
- least-squares: Mao and others, Least Squares Generative Adversarial Networks, 2016,
  arXiv:1611.04076.
- wasserstein: Arjovsky, Chintala and Bottou, Wasserstein GAN, 2017, arXiv:1701.07875.
- hinge: Lim and Ye, Geometric GAN, 2017, arXiv:1705.02894.
"""

import keras
import tensorflow as tf
from keras import ops

from zoo import layers


def _cross_entropies(real, fake, smoothing):
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    wanted = ops.ones_like(real) * (1.0 - smoothing)
    seen = entropy(wanted, real) + entropy(ops.zeros_like(fake), fake)
    return entropy(ops.ones_like(fake), fake), seen


def _squares(real, fake, smoothing):
    wanted = 1.0 - smoothing
    seen = ops.mean(ops.square(real - wanted)) + ops.mean(ops.square(fake))
    return ops.mean(ops.square(fake - 1.0)), seen


def _wasserstein(real, fake, smoothing):
    return -ops.mean(fake), ops.mean(fake) - ops.mean(real)


def _hinge(real, fake, smoothing):
    return -ops.mean(fake), ops.mean(ops.relu(1.0 - real)) + ops.mean(ops.relu(1.0 + fake))


LOSSES = {
    "non-saturating": _cross_entropies,
    "least-squares": _squares,
    "wasserstein": _wasserstein,
    "hinge": _hinge,
}

METRICS = (
    "generator_loss",
    "discriminator_loss",
    "discriminator_accuracy",
    "generator_gradient",
    "discriminator_gradient",
)


@layers.register
class Scaled(keras.optimizers.schedules.LearningRateSchedule):
    """A share of another schedule, for an optimizer that makes some updates for each of its steps.

    Args:
        schedule: the other.
        share: of its rate.
        updates: for each step.
    """

    def __init__(self, schedule, share, updates=1):
        super().__init__()
        self.schedule, self.share, self.updates = schedule, share, updates

    def __call__(self, step):
        return self.schedule(step // self.updates) * self.share

    def get_config(self):
        kept = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": kept, "share": self.share, "updates": self.updates}

    @classmethod
    def from_config(cls, config):
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["share"], config["updates"])


class Competition(keras.Model):
    """Generators and discriminators that learn from each other, each side as one.

    `critic_steps` is how often discriminators are updated in a step.

    A subclass has `measure(x, y, training)`, which returns what `measured` does.

    Args:
        last: name of what is measured beside `METRICS`.
        discriminator_rate: the discriminators' learning rate, as a share of the generators'.
        **networks: models by the names of attributes; discriminators' begin with `discriminator`.
    """

    critic_steps = 1

    def __init__(self, last, *, discriminator_rate=1.0, name=None, **networks):
        super().__init__(name=name)
        self.discriminator_rate = discriminator_rate
        self.networks = list(networks)
        for role, network in networks.items():
            setattr(self, role, network)
        self.means = [keras.metrics.Mean(name=name) for name in (*METRICS, last)]
        self.discriminator_optimizer: keras.optimizers.Optimizer = None

    def _side(self, discriminates):
        return [
            variable
            for role in self.networks
            if role.startswith("discriminator") == discriminates
            for variable in getattr(self, role).trainable_variables
        ]

    @property
    def generating(self):
        """What the generators learn."""
        return self._side(False)

    @property
    def discriminating(self):
        """What the discriminators learn."""
        return self._side(True)

    def measured(self, tape, losses, accuracy, last, both=True):
        """Return what is measured on a batch, and each side's gradients, generators' first.

        Without `both` the generators have none, and their loss is not differentiated.

        Args:
            tape: a persistent one that saw both losses.
            losses: the generators' and the discriminators'.
            accuracy: of the discriminators.
            last: what is measured beside.
        """
        gradients = tape.gradient(losses[1], self.discriminating)
        learned = tape.gradient(losses[0], self.generating) if both else []
        norms = [tf.linalg.global_norm(learned) if both else 0.0, tf.linalg.global_norm(gradients)]
        return (*losses, accuracy, *norms, last), learned, gradients

    def compile(self, optimizer, discriminator_optimizer=None, **kwargs):
        """Configure training; without a second optimizer discriminators get one like it."""
        optimizer = keras.optimizers.get(optimizer)
        if discriminator_optimizer is None:
            discriminator_optimizer = optimizer.from_config(self._other_rate(optimizer))
        super().compile(optimizer=optimizer, **kwargs)
        self.discriminator_optimizer = keras.optimizers.get(discriminator_optimizer)
        self.optimizer.build(self.generating)
        self.discriminator_optimizer.build(self.discriminating)

    def _other_rate(self, optimizer):
        """Return an optimizer's configuration with the discriminators' learning rate."""
        config, share = optimizer.get_config(), self.discriminator_rate
        rate = optimizer._learning_rate
        if share == self.critic_steps == 1:
            return config
        if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            return {**config, "learning_rate": Scaled(rate, share, self.critic_steps)}
        return {**config, "learning_rate": config["learning_rate"] * share}

    @property
    def metrics(self):
        return self.means

    def train_step(self, data):
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        measured, generating, discriminating = self.measure(x, y, training=True)
        self.discriminator_optimizer.apply(discriminating, self.discriminating)
        self.optimizer.apply(generating, self.generating)
        return self.track(measured, ops.shape(x)[0])

    def test_step(self, data):
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        measured, _, _ = self.measure(x, y, training=False)
        return self.track(measured, ops.shape(x)[0])

    def track(self, measured, examples):
        # Keras divides losses by the number of replicas; the log shows them undivided.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        for mean, value in zip(self.means, measured, strict=True):
            scale = replicas if mean.name.endswith("loss") else 1
            mean.update_state(value * scale, sample_weight=examples)
        return {mean.name: mean.result() for mean in self.means}

    def get_config(self):
        networks = {
            role: keras.saving.serialize_keras_object(getattr(self, role)) for role in self.networks
        }
        rate = {"discriminator_rate": self.discriminator_rate}
        return {**super().get_config(), **networks, **rate}

    @classmethod
    def from_config(cls, config):
        kept = {
            name: keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value
            for name, value in config.items()
            if name not in ("trainable", "dtype")
        }
        return cls(**kept)

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
