"""Who was transported? One function makes the whole pipeline; `fit_predict` calls it and stays as it is."""

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
    """Fit on the passengers `x` with the answers `y` (True or False), and give True or False for each row of
    `test_data`, in its order.

    Preparing. Prepare a table of passengers for the models.

    Is called for the passengers to learn from and again for those to predict, and must do the same to both. Gives a
    table with one row for each passenger, in the same order.

    What it may do:
    - Missing values: fill them with the median, the mean or the most frequent value, with a value of their own, or
      from other columns (who sleeps spends nothing); or add columns that say what was missing.
    - Outliers: clip or transform amounts that are far from all others.
    - New features: split Cabin into deck, number and side, and PassengerId into group and number; size of the group;
      total and share of what was spent; whether anything was spent at all; age classes; family names; products of
      columns.
    - Encoding: one-hot, ordinal or frequency codes for texts; numbers for True and False.
    - Scaling: standard, min-max or robust; logarithms of skewed amounts.

    These are examples; use a method of your own where it works better.

    Choosing features. Choose the columns that the model shall see, as a list of their names.

    Is called once, on the table to learn from. Of every table the chosen columns are then taken; where one lacks a
    chosen column, it is filled with 0.

    What it may do:
    - Leave out columns that identify a passenger, never change, or nearly repeat another.
    - Judge columns one by one (correlation, mutual information, a chi-squared or F test), by a model (coefficients of
      a regularised one, importances of trees, permutation), or by adding and removing them in turn.
    - Keep all that may help: many models choose for themselves.

    These are examples; use a method of your own where it works better.

    Making the model. Make the model, not fitted yet, for the chosen columns `features` of the table `data`.

    What it may do:
    - One model: logistic regression, a support vector machine, nearest neighbours, trees, a small neural network.
    - Several together: a random forest, extra trees, gradient boosting (scikit-learn's or lightgbm's), bagging,
      AdaBoost.
    - Different ones combined: by vote, by the mean of their probabilities, or stacked under another model.
    - Choose depth, learning rate, number of trees and regularisation so that it neither overfits nor underfits.

    These are examples; use a method of your own where it works better.

    Fitting. Fit the model on the table `data` (columns `features`) with the answers `results` (True or False); gives
    the fitted model.

    What it may do:
    - Tune parameters by cross-validation (stratified folds; whole groups in one fold), on a grid or at random.
    - Stop boosting early on rows set apart; weight rows or classes; calibrate probabilities.
    - Find the threshold on probabilities that serves the score best.
    - Fit several times with different seeds and combine them.

    These are examples; use a method of your own where it works better.

    Predicting. True or False for each row of the prepared table `data`, in its order, by the fitted model.

    What it may do:
    - Take the model's own classes, or compare its probabilities with a threshold.
    - Combine the predictions of several models.
    - Check that there is one prediction for each row and none is missing.

    These are examples; use a method of your own where it works better.
    """

    def prepared(data):
        table = pd.DataFrame(index=data.index)
        table["Age"] = data["Age"].fillna(27)
        for name in ["RoomService", "FoodCourt", "ShoppingMall", "Spa", "VRDeck"]:
            table[name] = np.log1p(data[name].fillna(0))
        for name in ["CryoSleep", "VIP"]:
            table[name] = (data[name] == True).astype(int)  # noqa: E712 - a missing value is neither True nor False
        for name in ["Earth", "Europa", "Mars"]:
            table[name] = (data["HomePlanet"] == name).astype(int)
        return table

    model = sklearn.pipeline.make_pipeline(
        sklearn.preprocessing.StandardScaler(), sklearn.linear_model.LogisticRegression()
    )
    model.fit(prepared(x), y)
    return model.predict(prepared(test_data))


def fit_predict(x, y, test_data):
    """Fit on the passengers `x` with the answers `y`; True or False for each of `test_data`. Not for editing."""
    return train_model(x, y, test_data)
