"""What every part of the page is drawn with."""
