"""Beside the stages. One real simulation, plain and recorded: a workforce over several years, on DuckDB."""
