"""Two networks in competition: one Model class for every generator and discriminator pair.

Goodfellow and others, Generative Adversarial Networks, 2014, arXiv:1406.2661, with the
non-saturating loss of its section 3; one-sided label smoothing is Salimans' and others', 2016,
arXiv:1606.03498.
"""

import keras
import tensorflow as tf
from keras import ops

from zoo import layers


@layers.register
class Adversarial(keras.Model):
    """A generator and a discriminator that learn from each other.

    Called, it is its generator: latents `(B, latent_dim)` to pictures `(B, H, W, C)` in [0, 1]. It
    trains on batches of pictures alone.

    Args:
        generator: model from latents to pictures.
        discriminator: model from pictures to one logit, above zero for real ones.
        label_smoothing: real pictures are taught as `1 - label_smoothing` instead of 1.
    """

    def __init__(self, generator, discriminator, label_smoothing=0.0, **kwargs):
        super().__init__(**kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.label_smoothing = label_smoothing
        self.latent_dim = generator.input_shape[-1]
        self.seed_generator = keras.random.SeedGenerator()
        self.cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
        self.generator_loss = keras.metrics.Mean(name="generator_loss")
        self.discriminator_loss = keras.metrics.Mean(name="discriminator_loss")
        self.discriminator_optimizer: keras.optimizers.Optimizer = None
        self(keras.Input((self.latent_dim,)))  # built, and exportable before any training

    def call(self, latents, training=False):
        return self.generator(latents, training=training)

    def compile(self, optimizer, discriminator_optimizer=None, **kwargs):
        """Configure training; without a second optimizer the discriminator gets an equal one."""
        optimizer = keras.optimizers.get(optimizer)
        if discriminator_optimizer is None:
            discriminator_optimizer = optimizer.from_config(optimizer.get_config())
        super().compile(optimizer=optimizer, **kwargs)
        self.discriminator_optimizer = keras.optimizers.get(discriminator_optimizer)
        self.optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    @property
    def metrics(self):
        return [self.generator_loss, self.discriminator_loss]

    def train_step(self, data):
        real, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape(persistent=True) as tape:
            generator_loss, discriminator_loss = self.losses_of(real, training=True)
        for network, loss, optimizer in (
            (self.generator, generator_loss, self.optimizer),
            (self.discriminator, discriminator_loss, self.discriminator_optimizer),
        ):
            gradients = tape.gradient(loss, network.trainable_variables)
            optimizer.apply(gradients, network.trainable_variables)
        return self.track(generator_loss, discriminator_loss, ops.shape(real)[0])

    def test_step(self, data):
        real, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        generator_loss, discriminator_loss = self.losses_of(real, training=False)
        return self.track(generator_loss, discriminator_loss, ops.shape(real)[0])

    def losses_of(self, real, training):
        """Return both losses on a batch of pictures and as many generated ones."""
        shape = (ops.shape(real)[0], self.latent_dim)
        latents = keras.random.normal(shape, seed=self.seed_generator)
        fake = self.generator(latents, training=training)
        real_logits = self.discriminator(real, training=training)  # (B, 1)
        fake_logits = self.discriminator(fake, training=training)  # (B, 1)
        ones, zeros = ops.ones_like(real_logits), ops.zeros_like(fake_logits)
        generator_loss = self.cross_entropy(ones, fake_logits)
        discriminator_loss = self.cross_entropy(
            ones * (1.0 - self.label_smoothing), real_logits
        ) + self.cross_entropy(zeros, fake_logits)
        return generator_loss, discriminator_loss

    def track(self, generator_loss, discriminator_loss, examples):
        # Keras divides losses by the number of replicas; the log shows them undivided.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        self.generator_loss.update_state(generator_loss * replicas, sample_weight=examples)
        self.discriminator_loss.update_state(discriminator_loss * replicas, sample_weight=examples)
        return {metric.name: metric.result() for metric in self.metrics}

    def get_config(self):
        return {
            **super().get_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "label_smoothing": self.label_smoothing,
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
