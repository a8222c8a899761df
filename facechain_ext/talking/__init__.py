"""A portrait that speaks: voices, listening, mouth shapes over time, the face in motion, video."""
