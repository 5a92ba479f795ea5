# SPDX-License-Identifier: MIT
"""Recurrent cells over whole sequences."""
from torch import nn

from case import Layer
from networks import ConvGruCell, ConvLstmCell, gated


def stack(layers, x):
    project, activate, cell, read_out = layers
    return read_out(gated(cell, activate(project(x))))


CASES = {
    "rnn": Layer(lambda: nn.RNNCell(5, 7), (3, 6, 5), forward=gated, channels=-1),
    "lstm": Layer(lambda: nn.LSTMCell(5, 7), (3, 6, 5), forward=gated, channels=-1),
    "lstm_wide": Layer(lambda: nn.LSTMCell(16, 32), (2, 4, 16), forward=gated, channels=-1),
    "gru": Layer(lambda: nn.GRUCell(5, 7), (3, 6, 5), forward=gated, channels=-1),
    "stack": Layer(lambda: nn.ModuleList([nn.Linear(4, 9), nn.ReLU(), nn.LSTMCell(9, 11), nn.Linear(11, 3)]),
                   (2, 5, 4), forward=stack,
                   channels=-1),
    "conv_lstm": Layer(lambda: ConvLstmCell(3, 5, 3), (2, 4, 3, 6, 5), channels=2),
    "conv_lstm_k5": Layer(lambda: ConvLstmCell(4, 8, 5), (1, 3, 4, 7, 8), channels=2),
    "conv_gru": Layer(lambda: ConvGruCell(3, 5, 3), (2, 4, 3, 6, 5), channels=2),
}
