"""A good pipeline for Spaceship Titanic, written by a person who knew the data: what answers are compared with."""

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
    spent = ["RoomService", "FoodCourt", "ShoppingMall", "Spa", "VRDeck"]
    table = data[["Age", *spent]].astype(float)
    asleep = data["CryoSleep"].map({True: 1.0, False: 0.0}).astype(float)
    table[spent] = table[spent].mask(asleep == 1, table[spent].fillna(0.0), axis=0)
    total = table[spent].sum(axis=1)
    table["Spent"] = total
    table["Luxury"] = table[["RoomService", "Spa", "VRDeck"]].sum(axis=1)
    table["Shops"] = table[["FoodCourt", "ShoppingMall"]].sum(axis=1)
    table["Kinds"] = (table[spent] > 0).sum(axis=1)
    table["Nothing"] = (total == 0).astype(float)
    table["CryoSleep"] = asleep.fillna((total == 0).astype(float).where(total > 0, np.nan))
    table["VIP"] = data["VIP"].map({True: 1.0, False: 0.0}).astype(float)
    table["Planet"] = data["HomePlanet"].map({"Earth": 0, "Europa": 1, "Mars": 2})
    table["Destination"] = data["Destination"].map({"TRAPPIST-1e": 0, "PSO J318.5-22": 1, "55 Cancri e": 2})
    cabin = data["Cabin"].str.split("/", expand=True).reindex(columns=range(3))
    table["Deck"] = cabin[0].map({deck: number for number, deck in enumerate("ABCDEFGT")})
    table["Place"] = pd.to_numeric(cabin[1])
    table["Side"] = cabin[2].map({"P": 0, "S": 1})
    group = data["PassengerId"].str[:4]
    table["Group"] = group.astype(int)
    table["GroupSize"] = group.map(group.value_counts())
    family = data["Name"].str.split().str[-1]
    table["Family"] = family.map(family.value_counts())
    table["Child"] = (table["Age"] < 13).astype(float)
    return table


def select_features(processed_data):
    return list(processed_data.columns)


def filter_features(selected_features, data):
    """The chosen columns of a table; one that it lacks is filled with 0. Not for editing."""
    return data.reindex(columns=selected_features, fill_value=0)


def ensemble_model(features, data):
    def boosted(seed):
        return sklearn.ensemble.HistGradientBoostingClassifier(
            max_iter=220,
            learning_rate=0.05,
            max_leaf_nodes=15,
            l2_regularization=2.0,
            max_features=0.5,
            random_state=seed,
        )

    return sklearn.ensemble.VotingClassifier([(f"m{seed}", boosted(seed)) for seed in range(4)], voting="soft")


def train_model(ensemble_model, features, data, results):
    return ensemble_model.fit(data, results)


def predict(model, data):
    return model.predict(data)


def fit_predict(x, y, test_data):
    """Fit on the passengers `x` with the answers `y`; True or False for each of `test_data`. Not for editing."""
    processed = preprocess(x)
    features = select_features(processed)
    chosen = filter_features(features, processed)
    model = train_model(ensemble_model(features, chosen), features, chosen, y)
    return predict(model, filter_features(features, preprocess(test_data)))
