"""What a match may lead to without a person: rules that the exchange, the store, the results and the reports share."""
