"""A good pipeline for House Prices, written by a person who knew the data: what answers are compared with."""

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
    table = data.drop(columns=["Id", "Utilities", "Street", "PoolQC"]).copy()
    grades = {"Ex": 5, "Gd": 4, "TA": 3, "Fa": 2, "Po": 1}
    for name in ["ExterQual", "ExterCond", "BsmtQual", "BsmtCond", "HeatingQC", "KitchenQual"]:
        table[name] = table[name].map(grades).fillna(0)
    for name in ["FireplaceQu", "GarageQual", "GarageCond"]:
        table[name] = table[name].map(grades).fillna(0)
    table["BsmtExposure"] = table["BsmtExposure"].map({"Gd": 4, "Av": 3, "Mn": 2, "No": 1}).fillna(0)
    finish = {"GLQ": 6, "ALQ": 5, "BLQ": 4, "Rec": 3, "LwQ": 2, "Unf": 1}
    for name in ["BsmtFinType1", "BsmtFinType2"]:
        table[name] = table[name].map(finish).fillna(0)
    table["GarageFinish"] = table["GarageFinish"].map({"Fin": 3, "RFn": 2, "Unf": 1}).fillna(0)
    table["PavedDrive"] = table["PavedDrive"].map({"Y": 2, "P": 1, "N": 0}).fillna(0)
    table["CentralAir"] = (table["CentralAir"] == "Y").astype(int)
    table["Functional"] = (table["Functional"] != "Typ").astype(int)
    table["MSSubClass"] = "c" + table["MSSubClass"].astype(str)
    table["LotFrontage"] = table["LotFrontage"].fillna(table["LotFrontage"].median())
    table["GarageYrBlt"] = table["GarageYrBlt"].fillna(table["YearBuilt"])
    numbers = table.select_dtypes("number").columns
    table[numbers] = table[numbers].fillna(0)
    # Two houses are far larger than all others and were sold for little: straight lines would follow them.
    most = {"GrLivArea": 3500, "TotalBsmtSF": 2500, "1stFlrSF": 2500, "BsmtFinSF1": 2000, "LotArea": 60_000}
    for name, limit in most.items():
        table[name] = table[name].clip(upper=limit)
    table["LotFrontage"] = table["LotFrontage"].clip(upper=150)
    table["Area"] = table["TotalBsmtSF"] + table["1stFlrSF"] + table["2ndFlrSF"]
    table["Baths"] = table["FullBath"] + table["BsmtFullBath"] + 0.5 * (table["HalfBath"] + table["BsmtHalfBath"])
    table["Porch"] = table[["OpenPorchSF", "EnclosedPorch", "3SsnPorch", "ScreenPorch", "WoodDeckSF"]].sum(axis=1)
    table["Age"] = table["YrSold"] - table["YearBuilt"]
    table["Renewed"] = table["YrSold"] - table["YearRemodAdd"]
    table["QualityArea"] = table["OverallQual"] * table["Area"]
    for name in ["LotArea", "GrLivArea", "Area", "1stFlrSF", "LotFrontage", "QualityArea", "Porch", "TotalBsmtSF"]:
        table[name] = np.log1p(table[name])
    return pd.get_dummies(table, dtype=float)


def select_features(processed_data):
    return list(processed_data.columns)


def filter_features(selected_features, data):
    """The chosen columns of a table; one that it lacks is filled with 0. Not for editing."""
    return data.reindex(columns=selected_features, fill_value=0)


def create_ensemble_model(features, data):
    scaled = sklearn.preprocessing.RobustScaler
    lasso = sklearn.pipeline.make_pipeline(scaled(), sklearn.linear_model.Lasso(alpha=0.0006, max_iter=5000))
    ridge = sklearn.pipeline.make_pipeline(scaled(), sklearn.linear_model.Ridge(alpha=15.0))
    boosted = sklearn.ensemble.GradientBoostingRegressor(
        n_estimators=500,
        learning_rate=0.05,
        max_depth=3,
        max_features=0.2,
        subsample=0.7,
        min_samples_leaf=5,
        random_state=0,
    )
    return sklearn.ensemble.VotingRegressor([("l", lasso), ("r", ridge), ("b", boosted)], weights=[3, 1, 3])


def train_model(ensemble_model, features, data, results):
    return ensemble_model.fit(data, np.log(results))


def predict(model, data):
    return np.exp(model.predict(data))


def fit_predict(x, y, test_data):
    """Fit on the houses `x` with the prices `y`; a price for each of `test_data`. Not for editing."""
    processed = preprocess(x)
    features = select_features(processed)
    chosen = filter_features(features, processed)
    model = train_model(create_ensemble_model(features, chosen), features, chosen, y)
    return predict(model, filter_features(features, preprocess(test_data)))
