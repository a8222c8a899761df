"""The webui runs this at every start and at every Reload UI; all of it is in the package."""

from facechain_ext.webui.register import register

register()
