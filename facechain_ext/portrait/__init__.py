"""From a trained person to finished pictures: prompt, template, fusion, ranking, enlarging."""
