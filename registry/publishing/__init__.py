"""What becomes public: signed lists, data files, and the folder that holds them."""
