import SQL
