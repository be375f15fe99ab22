"""Registries: finds by name what is built in and what others add, with the same rules for both.

* `sources.PluginSources`: where plugins may come from: installed packages, files of the operator's, objects of the caller's.
* `environment`: what the environment allows.
* `registered.Registry`: the things of one group, such as detectors, by name.
* `by_class.ClassRegistry`: the things of one group by the class of a value, such as what wraps a client.
* `installed`: what installed packages offer by entry points.
* `plugin_files`: what a Python file offers.

Every floor above may import this. Nothing of a plugin is imported before a policy or the settings name it.
"""
