"""The page around the viewer: header, panels, tables, dashboards."""
