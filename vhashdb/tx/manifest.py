"""Say what ThreatExchange's tools load."""

from threatexchange.extensions.manifest import ThreatExchangeExtensionManifest

from vhashdb.tx.signal_types import VhashdbSignal, VhashdbVpdqSignal

TX_MANIFEST = ThreatExchangeExtensionManifest(signal_types=(VhashdbSignal, VhashdbVpdqSignal))
"""What ThreatExchange's tools load of `vhashdb.tx`."""
