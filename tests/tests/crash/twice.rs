//! Every function in two instances at once, every event twice and out of order.
