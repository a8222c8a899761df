"""What everything else knows: errors, records, events, the protocols, infotexts."""
