"""Who was transported? Five functions that make a pipeline; `fit_predict` connects them and stays as it is."""

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


def preprocess(data):
    """Prepare a table of passengers for the models.

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
    """
    spent = ["RoomService", "FoodCourt", "ShoppingMall", "Spa", "VRDeck"]
    table = pd.DataFrame(index=data.index)
    table["Age"] = data["Age"].fillna(27)
    for name in spent:
        table[name] = np.log1p(data[name].fillna(0))
    for name in ["CryoSleep", "VIP"]:
        table[name] = (data[name] == True).astype(int)  # noqa: E712 - a missing value is neither True nor False
    for name in ["Earth", "Europa", "Mars"]:
        table[name] = (data["HomePlanet"] == name).astype(int)
    return table


def select_features(processed_data):
    """Choose the columns that the model shall see, as a list of their names.

    Is called once, on the table to learn from. Of every table the chosen columns are then taken; where one lacks a
    chosen column, it is filled with 0.

    What it may do:
    - Leave out columns that identify a passenger, never change, or nearly repeat another.
    - Judge columns one by one (correlation, mutual information, a chi-squared or F test), by a model (coefficients of
      a regularised one, importances of trees, permutation), or by adding and removing them in turn.
    - Keep all that may help: many models choose for themselves.

    These are examples; use a method of your own where it works better.
    """
    return list(processed_data.columns)


def filter_features(selected_features, data):
    """The chosen columns of a table; one that it lacks is filled with 0. Not for editing."""
    return data.reindex(columns=selected_features, fill_value=0)


def ensemble_model(features, data):
    """Make the model, not fitted yet, for the chosen columns `features` of the table `data`.

    What it may do:
    - One model: logistic regression, a support vector machine, nearest neighbours, trees, a small neural network.
    - Several together: a random forest, extra trees, gradient boosting (scikit-learn's or lightgbm's), bagging,
      AdaBoost.
    - Different ones combined: by vote, by the mean of their probabilities, or stacked under another model.
    - Choose depth, learning rate, number of trees and regularisation so that it neither overfits nor underfits.

    These are examples; use a method of your own where it works better.
    """
    return sklearn.pipeline.make_pipeline(
        sklearn.preprocessing.StandardScaler(), sklearn.linear_model.LogisticRegression()
    )


def train_model(ensemble_model, features, data, results):
    """Fit the model on the table `data` (columns `features`) with the answers `results` (True or False); gives the
    fitted model.

    What it may do:
    - Tune parameters by cross-validation (stratified folds; whole groups in one fold), on a grid or at random.
    - Stop boosting early on rows set apart; weight rows or classes; calibrate probabilities.
    - Find the threshold on probabilities that serves the score best.
    - Fit several times with different seeds and combine them.

    These are examples; use a method of your own where it works better.
    """
    return ensemble_model.fit(data, results)


def predict(model, data):
    """True or False for each row of the prepared table `data`, in its order, by the fitted model.

    What it may do:
    - Take the model's own classes, or compare its probabilities with a threshold.
    - Combine the predictions of several models.
    - Check that there is one prediction for each row and none is missing.

    These are examples; use a method of your own where it works better.
    """
    return model.predict(data)


def fit_predict(x, y, test_data):
    """Fit on the passengers `x` with the answers `y`; True or False for each of `test_data`. Not for editing."""
    processed = preprocess(x)
    features = select_features(processed)
    chosen = filter_features(features, processed)
    model = train_model(ensemble_model(features, chosen), features, chosen, y)
    return predict(model, filter_features(features, preprocess(test_data)))
