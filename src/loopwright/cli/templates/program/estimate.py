"""How long a delivery takes. Plain Python: the loop rewrites `estimate`, and nothing else."""


def estimate(trip):
    """Minutes from the depot to the last customer.

    Args:
        trip: a dict with distance_km (float), stops (int), hour (of the start, 0 to 23) and rain (bool).
    """
    distance, stops, hour, rain = trip["distance_km"], trip["stops"], trip["hour"], trip["rain"]
    minutes = 10 + 2 * distance + stops
    if hour > 20:
        minutes = minutes - 2
    if rain:
        minutes = minutes + 1
    return minutes
