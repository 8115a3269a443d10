"""The database: tables, the stores that hold all SQL, and the migrations. No rules live here."""
