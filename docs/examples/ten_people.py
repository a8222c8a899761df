"""Portraits of ten people by a server: a folder of photos each in, four pictures each out.

python ten_people.py http://127.0.0.1:7870 people/ portraits/        # people/Ana/*.jpg ...
"""

import os
import sys
from pathlib import Path

from facechain_ext.client import Client

url, photos, portraits = sys.argv[1:]
with Client(url, token=os.environ.get("FACECHAIN_TOKEN", "")) as client:
    folders = sorted(folder for folder in Path(photos).iterdir() if folder.is_dir())[:10]
    trainings = {f.name: client.train(f.name, sorted(f.iterdir())) for f in folders}
    for name, training in trainings.items():
        client.finish(training)
        made = client.finish(client.make_portraits(name, {"style": "business", "count": 4}))
        Path(portraits, name).mkdir(parents=True, exist_ok=True)
        for rank, portrait in enumerate(client.portraits(made.id).portraits, 1):
            client.save_picture(made.id, portrait.name, Path(portraits, name, f"{rank}.png"))
            print(f"{name} {rank}: likeness {portrait.likeness}, {portrait.infotext[:60]}")
