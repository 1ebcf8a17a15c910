"""The script that Streamlit runs anew for each of a participant's steps."""

from inference.form.pages import show_form

show_form()
