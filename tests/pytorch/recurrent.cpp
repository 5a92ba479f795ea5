// SPDX-License-Identifier: MIT
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv_cells.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/recurrent.hpp>

#include "cases.hpp"

using namespace flipbook::nn;
using flipbook::Window;

int main(int argc, char** argv) {
  pytorch::Cases cases(argc, argv);
  cases.layer<Recurrent<RnnCell<5, 7>>>("rnn");
  cases.layer<Recurrent<LstmCell<5, 7>>>("lstm");
  cases.layer<Recurrent<LstmCell<16, 32>>>("lstm_wide");
  cases.layer<Recurrent<GruCell<5, 7>>>("gru");
  cases.layer<Stack<Linear<4, 9>, ReLU, LstmCell<9, 11>, Linear<11, 3>>>("stack");
  cases.layer<Recurrent<ConvLstmCell<3, 5, Window{.kernel = 3, .padding = 1}>>>("conv_lstm");
  cases.layer<Recurrent<ConvLstmCell<4, 8, Window{.kernel = 5, .padding = 2}>>>("conv_lstm_k5");
  cases.layer<Recurrent<ConvGruCell<3, 5, Window{.kernel = 3, .padding = 1}>>>("conv_gru");
  return cases.status();
}
