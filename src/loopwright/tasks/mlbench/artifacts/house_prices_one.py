"""What was each house sold for? One function makes the whole pipeline; `fit_predict` calls it and stays as it is."""

import lightgbm
import numpy as np
import pandas as pd
import sklearn.compose
import sklearn.ensemble
import sklearn.feature_selection
import sklearn.impute
import sklearn.linear_model
import sklearn.model_selection
import sklearn.neighbors
import sklearn.neural_network
import sklearn.pipeline
import sklearn.preprocessing
import sklearn.svm


def train_model(x, y, test_data):
    """Fit on the houses `x` with the prices `y` in dollars, and give a price in dollars for each row of `test_data`,
    in its order.

    Preparing. Prepare a table of houses for the models.

    Is called for the houses to learn from and again for those to predict, and must do the same to both. Gives a table
    with one row for each house, in the same order.

    What it may do:
    - Missing values: "no such thing" where that is what they mean; else the median, the mean or the most frequent
      value, perhaps of the neighbourhood; or columns that say what was missing.
    - Outliers: clip or transform areas and amounts that are far from all others.
    - New features: total area over all floors, total number of baths, age of the house and years since it was rebuilt
      when sold, whether it has a garage, a pool, a second floor; products of quality and area; seasons.
    - Encoding: numbers for grades, one-hot, ordinal or target codes for other texts.
    - Scaling: standard, min-max or robust; logarithms or powers of skewed columns.

    These are examples; use a method of your own where it works better.

    Choosing features. Choose the columns that the model shall see, as a list of their names.

    Is called once, on the table to learn from. Of every table the chosen columns are then taken; where one lacks a
    chosen column, it is filled with 0.

    What it may do:
    - Leave out columns that identify a house, never change, are nearly always missing, or nearly repeat another.
    - Judge columns one by one (correlation, mutual information, an F test), by a model (coefficients of a regularised
      one, importances of trees, permutation), or by adding and removing them in turn.
    - Keep all that may help: many models choose for themselves.

    These are examples; use a method of your own where it works better.

    Making the model. Make the model, not fitted yet, for the chosen columns `features` of the table `data`.

    What it may do:
    - One model: linear regression with ridge, lasso or elastic net, a support vector machine, nearest neighbours,
      trees, a small neural network.
    - Several together: a random forest, extra trees, gradient boosting (scikit-learn's or lightgbm's), bagging,
      AdaBoost.
    - Different ones combined: by the mean of their predictions, weighted, or stacked under another model.
    - Choose depth, learning rate, number of trees and regularisation so that it neither overfits nor underfits;
      choose a loss that suits the score.

    These are examples; use a method of your own where it works better.

    Fitting. Fit the model on the table `data` (columns `features`) with the prices `results` in dollars; gives the
    fitted model.

    What it may do:
    - Fit the logarithm of the prices, which are skewed, and undo it when predicting.
    - Tune parameters by cross-validation, on a grid or at random.
    - Stop boosting early on rows set apart; weight rows; leave out sales that mislead.
    - Fit several times with different seeds and combine them.

    These are examples; use a method of your own where it works better.

    Predicting. A price in dollars for each row of the prepared table `data`, in its order, by the fitted model.

    What it may do:
    - Undo what was done to the prices before fitting.
    - Combine the predictions of several models; keep prices within what is possible.
    - Check that there is one prediction for each row and none is missing.

    These are examples; use a method of your own where it works better.
    """

    def prepared(data):
        return data.select_dtypes("number").drop(columns="Id").fillna(0)

    model = sklearn.ensemble.RandomForestRegressor(n_estimators=100, random_state=0)
    model.fit(prepared(x), y)
    return model.predict(prepared(test_data))


def fit_predict(x, y, test_data):
    """Fit on the houses `x` with the prices `y`; a price for each of `test_data`. Not for editing."""
    return train_model(x, y, test_data)
