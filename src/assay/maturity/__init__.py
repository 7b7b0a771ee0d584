"""How far an organisation is: what people say, what is measured, and the gap between both."""
