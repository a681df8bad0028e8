# Base R, without a package: it reads what the program duckdb prints. One statement from standard input, its rows as
# tab-separated text below a line with the names and one with R's types; doubles with all their digits.
# What is said of R in the recipe is the next function.
outcomes <- function(sql) {
  command <- paste("duckdb -readonly -csv outcomes.duckdb", shQuote(sql))
  read.csv(pipe(command, encoding = "UTF-8"), na.strings = "NULL", check.names = FALSE)
}

rows <- outcomes(paste(readLines(file("stdin"), encoding = "UTF-8"), collapse = "\n"))
types <- vapply(rows, function(column) class(column)[1], "")
exact <- lapply(rows, function(column) if (is.numeric(column)) sprintf("%.17g", column) else as.character(column))
exact <- as.data.frame(exact, check.names = FALSE)
exact[is.na(rows)] <- NA
tabs <- function(x) write.table(x, sep = "\t", na = "", qmethod = "double", row.names = FALSE, col.names = FALSE)
tabs(t(names(rows)))
tabs(t(types))
tabs(exact)
