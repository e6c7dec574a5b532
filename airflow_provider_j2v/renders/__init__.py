"""The life of a render: who it is, what was intended, submitted and seen. Knows no Airflow."""
