r"""Recurrent layers over whole sequences, for training on a CPU.

TensorFlow is the first argument, so that importing this costs nothing. Weights are in
Keras' layout, sequences with time first.

The LSTM has a fused op for a whole sequence. The others have none, so their loops are
written out, with as little as possible inside: inputs are multiplied by the kernel
for all steps at once, and the backward pass is derived by hand. There the gradient of a
step is linear in the gradient :math:`\delta_t` of its output, with factors that the
forward pass leaves behind. For the GRU, with :math:`a` what a gate takes in,

.. math::

    \partial a_z &= \delta_t (h_{t-1} - g_t) z_t (1 - z_t) \\
    \partial a_g &= \delta_t (1 - z_t) (1 - g_t^2), \qquad
    \partial q = \partial a_g \, r_t, \qquad
    \partial a_r = \partial q \, q_t (1 - r_t) \\
    \delta_{t-1} &\mathrel{+}= \delta_t z_t + [\partial a_z, \partial a_r, \partial q]
    \, U^\top

in the symbols of `network`: the loop backward is one matrix product and little else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bt_lstm_rotation.forecasting.recurrent.forward import Cell
from bt_lstm_rotation.forecasting.recurrent.network import KERAS

__all__ = ["LAYERS", "LayerFunction", "keras_layer"]

LayerFunction = Callable[[Any, Any, Any, Any, Any], Any]


def _lstm(tf: Any, inputs: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
    """Run a fused LSTM.

    BlockLSTM and not BlockLSTMV2: the gradient that TensorFlow registers for V2 takes
    the gates in V1's order and is silently wrong.
    """
    units = tf.shape(recurrent)[0]
    state = tf.zeros([tf.shape(inputs)[1], units])
    unused = tf.zeros([units])
    return tf.raw_ops.BlockLSTM(
        seq_len_max=tf.cast(tf.shape(inputs)[0], tf.int64),
        x=inputs,
        cs_prev=state,
        h_prev=state,
        w=_block_order(tf, tf.concat([kernel, recurrent], axis=0)),
        wci=unused,
        wcf=unused,
        wco=unused,
        b=_block_order(tf, bias),
        forget_bias=0.0,
        cell_clip=-1.0,
        use_peephole=False,
    ).h


def _block_order(tf: Any, weights: Any) -> Any:
    """Put Keras' gates i f g o into BlockLSTM's order i g f o."""
    i, f, g, o = tf.split(weights, 4, axis=-1)
    return tf.concat([i, g, f, o], axis=-1)


def _gru(tf: Any, inputs: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
    """Run a GRU that resets after the matrix product, as Keras' default does."""
    outer, inner = tf.unstack(bias, num=2)
    *merged, inside = tf.split(inner, 3)
    # Two of the inner biases add to the outer ones; the reset gate acts on the third.
    biases = [*merged, tf.zeros_like(inside)]
    z_in, r_in, g_in = (
        tf.matmul(inputs, part) + (shift + other)
        for part, shift, other in zip(
            tf.split(kernel, 3, axis=-1), tf.split(outer, 3), biases, strict=True
        )
    )

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def scan(z_in: Any, r_in: Any, g_in: Any, recurrent: Any, inside: Any) -> Any:
        def forward(step: Any, hidden: Any) -> tuple[Any, ...]:
            z, r, q = tf.split(tf.matmul(hidden, recurrent), 3, axis=-1)
            z = tf.sigmoid(z_in[step] + z)
            r = tf.sigmoid(r_in[step] + r)
            q = tf.nn.bias_add(q, inside)
            g = tf.tanh(g_in[step] + r * q)
            hidden = g + z * (hidden - g)
            return hidden, hidden, z, r, g, q

        start = tf.zeros_like(z_in[0])
        outputs, z, r, g, q = _steps(tf, forward, start, tf.shape(z_in)[0], 5)
        before = _shifted(tf, outputs)

        def gradient(upstream: Any) -> tuple[Any, ...]:
            of_g = (1.0 - z) * (1.0 - g * g)
            of_q = of_g * r
            of_z = (before - g) * z * (1.0 - z)
            of_r = of_q * q * (1.0 - r)
            across = tf.transpose(recurrent)

            def backward(step: Any, slope: Any) -> tuple[Any, ...]:
                slope += upstream[step]
                gates = [part[step] * slope for part in (of_z, of_r, of_q)]
                through = tf.matmul(tf.concat(gates, axis=-1), across)
                return through + z[step] * slope, slope

            (slopes,) = _steps(
                tf, backward, start, tf.shape(z_in)[0], 1, from_the_end=True
            )
            d_z, d_r, d_g, d_q = (slopes * part for part in (of_z, of_r, of_g, of_q))
            d_recurrent = [_outer(tf, before, part) for part in (d_z, d_r, d_q)]
            d_inside = tf.reduce_sum(d_q, axis=[0, 1])
            return d_z, d_r, d_g, tf.concat(d_recurrent, axis=-1), d_inside

        return outputs, gradient

    return scan(z_in, r_in, g_in, recurrent, inside)


def _rnn(tf: Any, inputs: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
    """Run a vanilla recurrent layer."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def scan(driven: Any, recurrent: Any) -> Any:
        def forward(step: Any, hidden: Any) -> tuple[Any, ...]:
            hidden = tf.tanh(driven[step] + tf.matmul(hidden, recurrent))
            return hidden, hidden

        start = tf.zeros_like(driven[0])
        (outputs,) = _steps(tf, forward, start, tf.shape(driven)[0], 1)

        def gradient(upstream: Any) -> tuple[Any, ...]:
            of_tanh = 1.0 - outputs * outputs
            across = tf.transpose(recurrent)

            def backward(step: Any, slope: Any) -> tuple[Any, ...]:
                slope = (slope + upstream[step]) * of_tanh[step]
                return tf.matmul(slope, across), slope

            (slopes,) = _steps(
                tf, backward, start, tf.shape(driven)[0], 1, from_the_end=True
            )
            return slopes, _outer(tf, _shifted(tf, outputs), slopes)

        return outputs, gradient

    return scan(tf.matmul(inputs, kernel) + bias, recurrent)


def _steps(
    tf: Any,
    body: Callable[[Any, Any], tuple[Any, ...]],
    state: Any,
    n_steps: Any,
    n_outputs: int,
    *,
    from_the_end: bool = False,
) -> list[Any]:
    """Run ``body(step, state)``, which returns the next state and outputs to stack."""
    arrays = [
        tf.TensorArray(tf.float32, n_steps, element_shape=state.shape)
        for _ in range(n_outputs)
    ]

    def move(step: Any, state: Any, arrays: list[Any]) -> tuple[Any, ...]:
        state, *outputs = body(step, state)
        pairs = zip(arrays, outputs, strict=True)
        arrays = [array.write(step, output) for array, output in pairs]
        return step - 1 if from_the_end else step + 1, state, arrays

    first = n_steps - 1 if from_the_end else tf.constant(0)
    *_, arrays = tf.while_loop(
        lambda step, *_: step >= 0 if from_the_end else step < n_steps,
        move,
        (first, state, arrays),
    )
    return [array.stack() for array in arrays]


def _shifted(tf: Any, outputs: Any) -> Any:
    """Return the state before each step: zero, then the outputs but for the last."""
    return tf.concat([tf.zeros_like(outputs[:1]), outputs[:-1]], axis=0)


def _outer(tf: Any, rows: Any, columns: Any) -> Any:
    """Sum outer products over steps and sequences."""
    return tf.matmul(
        tf.reshape(rows, [-1, tf.shape(rows)[-1]]),
        tf.reshape(columns, [-1, tf.shape(columns)[-1]]),
        transpose_a=True,
    )


# (tf, inputs, kernel, recurrent, bias) -> outputs, from a zero state: inputs of shape
# (n_steps, n_sequences, n_inputs), outputs (n_steps, n_sequences, units), all float32.
LAYERS: dict[Cell, LayerFunction] = {
    "lstm": _lstm,
    "gru": _gru,
    "rnn": _rnn,
}


def keras_layer(tf: Any, cell: Cell, n_inputs: int, units: int) -> LayerFunction:
    """Return Keras' own layer, called as those of `LAYERS` are.

    It is what tests compare with, and the path on a GPU, where cuDNN runs it.
    """
    layer = getattr(tf.keras.layers, KERAS[cell])(units, return_sequences=True)
    layer.build((None, None, n_inputs))

    def run(tf: Any, inputs: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
        # Given as arguments and not as the layer's own, weights can be the loop's.
        outputs, _ = layer.stateless_call(
            [kernel, recurrent, bias],
            layer.non_trainable_variables,
            tf.transpose(inputs, [1, 0, 2]),
        )
        return tf.transpose(outputs, [1, 0, 2])

    return run
